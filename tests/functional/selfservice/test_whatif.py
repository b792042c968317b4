"""What a change would have won: replays of a buyer's own missed leads, in order and within bounds."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from distribution.api.whatifdocuments import EFFECT, EffectDocument
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Campaign, CampaignSnapshot, Enrollment, Wallet
from distribution.selfservice import whatif
from routing.api.answers import write_time
from tests.support.described import assert_described
from tests.support.factories import (
    CampaignFactory,
    LeadFactory,
    enroll,
    give_credits,
    issue_buyer_key,
)
from tests.support.planting import plant
from tracing.models import Attempt, AuditEntry

pytestmark = pytest.mark.usefixtures("committed_db")
WHATIF = "/api/v1/buyer/whatif/"


@pytest.fixture
def campaign() -> Campaign:
    made: Campaign = CampaignFactory(price_cents=2_500)
    return made


@pytest.fixture
def enrollment(campaign: Campaign) -> Enrollment:
    [made] = enroll(
        campaign, count=1, credits_cents=6_000, buyer__service_area={"states": ["AL"]}, cap_day=10
    )
    return made


def distribute(campaign: Campaign, *, count: int = 1, **lead: Any) -> None:
    for _ in range(count):
        made = LeadFactory(source__workspace=campaign.workspace, **lead)
        distribute_lead(made.pk)


def ask(buyer: Buyer, body: dict[str, Any]) -> Any:
    client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer)}"})
    return client.post(WHATIF, body, content_type="application/json")


def ask_well(buyer: Buyer, body: dict[str, Any]) -> dict[str, Any]:
    answer = ask(buyer, body)
    assert answer.status_code == 200, answer.content
    shown: dict[str, Any] = answer.json()
    assert_described(shown, EffectDocument())
    return shown


def test_example_is_a_valid_answer() -> None:
    assert_described(EFFECT, EffectDocument())


def test_wider_area_wins_what_the_balance_pays_for(campaign: Campaign, enrollment: Enrollment) -> None:
    """The balance of $60.00 buys two leads at $25.00: the third is still missed, for another reason."""
    distribute(campaign, count=3)

    effect = ask_well(enrollment.buyer, {"service_area": {"states": ["AL", "GA"]}})

    assert (effect["missed"], effect["checked"], effect["won"], effect["is_partial"]) == (3, 3, 2, False)
    assert (effect["spent_cents"], effect["lowest_price_cents"]) == (5_000, 2_500)
    assert [(each["reason"], each["leads"]) for each in effect["remaining"]] == [("insufficient_credits", 1)]
    assert {each["missed_for"] for each in effect["examples"]} == {"outside_service_area"}
    assert len(effect["examples"]) == 2
    assert Buyer.objects.get(pk=enrollment.buyer_id).service_area == {"states": ["AL"]}


def test_no_change_wins_nothing(campaign: Campaign, enrollment: Enrollment) -> None:
    distribute(campaign, count=2)
    effect = ask_well(enrollment.buyer, {})
    assert (effect["won"], effect["remaining"][0]["reason"]) == (0, "outside_service_area")


def test_won_leads_use_up_caps(campaign: Campaign, enrollment: Enrollment) -> None:
    give_credits(enrollment.buyer, amount_cents=100_000, key="more")
    Enrollment.objects.update(cap_day=1)
    distribute(campaign, count=3)
    change = {"service_area": {"states": ["GA"]}}

    effect = ask_well(enrollment.buyer, change)
    assert (effect["won"], effect["remaining"][0]["reason"]) == (1, "cap_reached")

    place = {"enrollments": {str(campaign.public_id): {"caps": {"day": 2}}}}
    assert ask_well(enrollment.buyer, {**change, **place})["won"] == 2


def test_filter_may_read_a_field_that_was_not_recorded(campaign: Campaign, enrollment: Enrollment) -> None:
    never = {"field": "state", "op": "eq", "value": "AL"}
    Enrollment.objects.update(lead_filter=never)
    Buyer.objects.update(service_area={"everywhere": True})
    distribute(campaign, attributes={"roof_age": 12})
    distribute(campaign, attributes={"roof_age": 3})
    old_roofs = {"field": "attributes.roof_age", "op": "gte", "value": 10}
    body = {"enrollments": {str(campaign.public_id): {"lead_filter": old_roofs}}}

    effect = ask_well(enrollment.buyer, body)

    assert (effect["won"], effect["remaining"][0]["reason"]) == (1, "lead_filter_rejected")


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [("who", "starts_with", "Jo"), ("callback", "gte", 1), ("where", "eq", "12 Peachtree Street NE")],
)
def test_change_does_not_reveal_who_the_person_is(
    campaign: Campaign, enrollment: Enrollment, field: str, op: str, value: Any
) -> None:
    """Else a buyer reads a name letter by letter, of leads that it never paid for."""
    Enrollment.objects.update(lead_filter={"field": "state", "op": "eq", "value": "AL"})
    Buyer.objects.update(service_area={"everywhere": True})
    attributes = {"who": "John Smith", "callback": 4045550143, "where": "12 Peachtree Street NE"}
    person = {"first_name": "John", "last_name": "Smith", "phone": "+14045550143"}
    distribute(campaign, attributes=attributes, address="12 Peachtree Street NE", **person)
    condition = {"field": f"attributes.{field}", "op": op, "value": value}
    body = {"enrollments": {str(campaign.public_id): {"lead_filter": condition}}}
    effect = ask_well(enrollment.buyer, body)
    assert (effect["checked"], effect["won"]) == (1, 0)


def test_outranked_stays_outranked_until_the_bid_is_higher(campaign: Campaign) -> None:
    Campaign.objects.update(mode="price")
    rival, own = enroll(campaign, count=2, credits_cents=100_000)
    Enrollment.objects.filter(pk=rival.pk).update(bid_cents=4_000)
    Enrollment.objects.filter(pk=own.pk).update(bid_cents=3_000)
    distribute(campaign)

    def won_with(bid_cents: int) -> int:
        body = {"enrollments": {str(campaign.public_id): {"bid_cents": bid_cents}}}
        return int(ask_well(own.buyer, body)["won"])

    assert (won_with(3_500), won_with(4_500)) == (0, 1)


def test_pause_that_is_ended_wins(campaign: Campaign, enrollment: Enrollment) -> None:
    now = datetime.now(UTC)
    Buyer.objects.update(
        service_area={"everywhere": True}, paused_at=now - timedelta(days=1), is_paused_by_buyer=True
    )
    distribute(campaign)
    assert ask_well(enrollment.buyer, {})["won"] == 0
    assert ask_well(enrollment.buyer, {"paused": False})["won"] == 1


def test_bounds_are_kept_and_said(
    campaign: Campaign, enrollment: Enrollment, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribute(campaign, count=3)
    monkeypatch.setattr(whatif, "MOST_LEADS", 2)
    effect = ask_well(enrollment.buyer, {})
    assert (effect["missed"], effect["checked"], effect["is_partial"]) == (2, 2, True)
    oldest, newest = Attempt.objects.order_by("finished_at")[1:]
    older = {"why": "older", "leads": None, "from": None, "to": write_time(oldest.finished_at)}
    assert effect["left_out"] == [older]
    monkeypatch.setattr(whatif, "MOST_SECONDS", -1)
    effect = ask_well(enrollment.buyer, {})
    assert (effect["missed"], effect["checked"], effect["is_partial"]) == (2, 0, True)
    late = {"why": "time_over", "leads": 2, "from": write_time(oldest.finished_at), "to": None}
    assert effect["left_out"] == [older, late]
    assert newest.finished_at > oldest.finished_at


def test_time_that_ends_in_between_leaves_out_the_newest(
    campaign: Campaign, enrollment: Enrollment, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribute(campaign, count=3)
    clock = iter([0.0, 0.5, 9.0])
    monkeypatch.setattr(whatif, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    effect = whatif.replay_missed(enrollment.buyer, whatif.SettingChanges(), at=datetime.now(UTC))
    assert (effect.missed, effect.checked) == (3, 1)
    [late] = effect.left_out
    second = Attempt.objects.order_by("finished_at")[1]
    assert (late.why, late.leads, late.since) == ("time_over", 2, second.finished_at)


def test_leads_without_their_snapshot_are_unreadable(campaign: Campaign, enrollment: Enrollment) -> None:
    distribute(campaign, count=2)
    plant("DELETE FROM distribution_campaignsnapshot")
    effect = ask_well(enrollment.buyer, {})
    assert (effect["checked"], effect["unreadable"], effect["is_partial"]) == (0, 2, False)
    assert effect["left_out"] == [{"why": "unreadable", "leads": 2, "from": None, "to": None}]


def test_older_leads_are_left_out(campaign: Campaign, enrollment: Enrollment) -> None:
    distribute(campaign)
    assert whatif.DAYS == 30
    later = datetime.now(UTC) + timedelta(days=31)
    effect = whatif.replay_missed(enrollment.buyer, whatif.SettingChanges(), at=later)
    assert effect.missed == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"service_area": {"sates": []}}, "service_area"),
        ({"weight": 1}, "weight"),
        ({"enrollments": []}, "enrollments"),
        ({"enrollments": {"x": {}}}, "enrollments.x"),
    ],
)
def test_wrong_question_is_refused(enrollment: Enrollment, body: dict[str, Any], field: str) -> None:
    answer = ask(enrollment.buyer, body)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


def everything() -> list[Any]:
    models = (Buyer, Enrollment, Wallet, Assignment, Campaign, CampaignSnapshot, AuditEntry)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def test_nothing_is_written(campaign: Campaign, enrollment: Enrollment) -> None:
    distribute(campaign)
    issue_buyer_key(enrollment.buyer)
    before = everything()
    whatif.assess_change(
        enrollment.buyer,
        whatif.Proposed({"area": {"service_area": {"states": ["GA"]}}}),
        at=datetime.now(UTC),
    )
    assert everything() == before
