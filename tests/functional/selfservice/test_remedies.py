"""What `missed/` advises to change is shown by `me/` and can be changed, or it says who can."""

from uuid import uuid4

import pytest

from distribution.explain.remedy.fixes import FIXES, NoFix
from distribution.portal.wording import list_links
from distribution.selfservice.remedies import REMEDIES, find_remedy
from tests.functional.api.test_buyer_account import Api
from tests.support.factories import CampaignFactory, PortalUserFactory, enroll
from tests.support.portal import signed_in
from tracing.gates import WORDS
from tracing.obstacles import Obstacle, fixer_of

pytestmark = pytest.mark.django_db
# The buyer pays, and changes nothing.
BY_PAYING = {"insufficient_credits"}


def obstacle(gate: str, fixer: str) -> Obstacle:
    return Obstacle(gate, "", "", fixer=fixer, required=None, observed=None, opens_at=None)


@pytest.mark.parametrize("code", FIXES)
def test_each_remedy_of_a_buyer_names_fields_that_can_be_changed(code: str) -> None:
    can_be_buyers = fixer_of(code) == "buyer" or (code in WORDS and "buyer" in fixers_of(code))
    if not can_be_buyers or isinstance(FIXES[code].make, NoFix) or code in BY_PAYING:
        assert code not in REMEDIES
        return
    remedy = find_remedy(obstacle(code, "buyer"))
    assert remedy is not None
    assert set(remedy.fields) <= set(remedy.part.fields)
    assert find_remedy(obstacle(code, "agency")) is None


def fixers_of(code: str) -> set[str]:
    failures = ({"by": "buyer"}, {"scope": "enrollment"}, {"failures": [{"observed": None}]})
    found = set()
    for failure in failures:
        try:
            found.add(str(WORDS[code].fixer(failure)))
        except (LookupError, TypeError):
            continue
    return found


@pytest.mark.parametrize("code", REMEDIES)
def test_what_the_buyer_reads_there_can_be_sent_back_as_a_change(code: str) -> None:
    """The route exists and takes each field that the remedy names."""
    [enrollment] = enroll(CampaignFactory(), count=1)
    api, remedy = Api(enrollment.buyer), REMEDIES[code]
    is_place = remedy.path == "enrollments/"
    path = f"{remedy.path}{enrollment.campaign.public_id}/" if is_place else remedy.path
    shown = api.get(path).json()
    names = {field.partition(".")[0] for field in remedy.fields}
    change = {name: shown[name] for name in names}
    answer = api.send("patch", path, change, version="*")
    assert (answer.status_code, {name: answer.json()[name] for name in names}) == (200, change)


@pytest.mark.parametrize("code", sorted({*REMEDIES, *BY_PAYING}))
def test_portal_has_a_page_for_what_the_buyer_can_change(code: str) -> None:
    """The page is there, and a manager can send its form."""
    question = {"key": "types", "field": "attributes.type", "op": "in"}
    [enrollment] = enroll(CampaignFactory(questions=[question]), count=1)
    person = signed_in(PortalUserFactory(buyer=enrollment.buyer))
    found = obstacle(code, "agency" if code in BY_PAYING else "buyer")
    [(address, label)] = list_links([found], campaign_id=enrollment.campaign.public_id)
    assert label
    answer = person.get(address)
    assert answer.status_code == 200
    assert code in BY_PAYING or b'<form method="post"' in answer.content


@pytest.mark.parametrize("code", REMEDIES)
def test_portal_has_no_link_to_what_only_the_agency_can_change(code: str) -> None:
    assert list_links([obstacle(code, "agency")], campaign_id=uuid4()) == []


@pytest.mark.parametrize("code", REMEDIES)
def test_fields_of_remedies_are_shown_where_they_are_changed_and_in_me(code: str) -> None:
    [enrollment] = enroll(CampaignFactory(), count=1)
    api, remedy = Api(enrollment.buyer), REMEDIES[code]
    me = api.get("me/").json()
    is_place = remedy.path == "enrollments/"
    path = f"{remedy.path}{me['enrollments'][0]['campaign']['id']}/" if is_place else remedy.path
    in_part, in_me = api.get(path).json(), me["enrollments"][0] if is_place else me
    for field in remedy.fields:
        group, _, member = field.partition(".")
        for shown in (in_part, in_me):
            assert group in shown
            assert not member or member in shown[group]
