"""A lead is sold, traced and shown with any value that is stored with it."""

import json
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distribution.attempts.distribute import distribute_lead, distribute_next_due
from distribution.explain.lead import explain
from distribution.models import Assignment, Buyer, Campaign, Enrollment
from distribution.verify import run_verification
from routing.intake.attribute_repair import repair_attributes
from routing.intake.condition_fields import condition_fields
from routing.intake.corrections import Corrections
from routing.models import Lead
from routing.values.attributes import find_attribute_problems
from tests.support.admin_pages import client_of
from tests.support.buyer_program import Api
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll, issue_tracing_key
from tests.support.planting import plant
from tests.support.race_leads import assert_verified
from tracing.models import Attempt
from tracing.plainvalues import AS_TEXT
from tracing.recorder import encode

FUZZ = partial(settings, deadline=None, suppress_health_check=list(HealthCheck))
JSON_NUMBERS = st.sampled_from(
    ["1e22", "1e308", "-1e400", "9" * 4_400, "1" + "0" * 400 + ".5", "0." + "0" * 400 + "1", "-0"]
)


JSON_TEXTS = st.text(max_size=20).filter(lambda text: "\x00" not in text).map(json.dumps)
STORED = st.recursive(
    JSON_NUMBERS | JSON_TEXTS | st.integers().map(str) | st.sampled_from(["null", "true"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.dictionaries(st.sampled_from(["sqft", "a", "b.c"]), inner, max_size=3).map(
            lambda parts: "{" + ",".join(f"{json.dumps(key)}:{part}" for key, part in parts.items()) + "}"
        )
    ),
    max_leaves=8,
)


PRESENT = {
    "any": [{"field": name, "op": "exists"} for name in ("attributes.sqft", "attributes.a.sqft", "zip")]
}


@pytest.fixture
def campaign() -> Campaign:
    """Ignores the sizes that leads claim, and takes them all."""
    campaign: Campaign = CampaignFactory(
        price_cents=100,
        price_rules=[{"when": {"field": "attributes.sqft", "op": "gt", "value": 10**6}, "add_cents": 50}],
    )
    enroll(campaign, count=1, credits_cents=10**9, lead_filter=PRESENT)
    return campaign


def store(campaign: Campaign, attributes: str) -> Lead:
    """A lead with attributes that the intake no longer accepts."""
    lead: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    plant("UPDATE routing_lead SET attributes = %s::jsonb WHERE id = %s", [attributes, lead.pk])
    return lead


@pytest.mark.usefixtures("committed_db")
class TestStoredLeads:
    def test_every_stored_value_is_sold_and_explained(self, campaign: Campaign) -> None:
        source = SourceFactory(workspace=campaign.workspace)

        @FUZZ(max_examples=60)
        @given(STORED)
        def sell(value: str) -> None:
            lead = LeadFactory(source=source)
            plant(
                "UPDATE routing_lead SET attributes = %s::jsonb WHERE id = %s",
                [f'{{"sqft": {value}}}', lead.pk],
            )
            outcome = distribute_lead(lead.pk)
            assert (outcome.result, outcome.is_traced) == ("success", True)
            assert explain(lead)

        sell()
        assert_verified()

    @pytest.mark.parametrize("number", ["1e22", "1e308", "1e400", "9" * 5_000, "1" + "0" * 400 + ".5"])
    def test_large_number_is_text_for_the_decision_too(self, campaign: Campaign, number: str) -> None:
        lead = store(campaign, f'{{"sqft": {number}}}')

        assert distribute_lead(lead.pk).is_traced

        sqft = Attempt.objects.get().facts["lead"]["fields"]["attributes.sqft"]
        assert isinstance(sqft, str)
        assert_verified()

    def test_excessive_nesting_blocks_no_other_lead(self, campaign: Campaign) -> None:
        deep = store(campaign, '{"a":' * 900 + "1" + "}" * 900)
        deeper = store(campaign, '{"a":' * 3_000 + "1" + "}" * 3_000)

        assert [distribute_next_due().result for _ in range(2)] == ["success", "success"]
        assert set(Assignment.objects.values_list("lead_id", flat=True)) == {deep.pk, deeper.pk}
        assert_verified()


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("price_rules", f'[{{"when": {{}}, "add_cents": {10**30}}}]'),
        ("price_rules", json.dumps([{"when": {}, "percent": 10_000}] * 9)),
        ("price_rules", f'[{{"when": {{}}, "percent": {10**30}}}]'),
        ("lead_filter", f'{{"field": "attributes.sqft", "op": "lt", "value": {10**30}}}'),
        ("answers", f'{{"sqft": {10**30}}}'),
    ],
)
def test_configuration_written_by_sql_is_explained_and_replayed(column: str, value: str) -> None:
    """Without forms and constraints. Sold or not, the lead is explained, and a replay gives the same decision."""
    question = {"key": "sqft", "field": "attributes.sqft", "op": "lt", "required": True}
    campaign = CampaignFactory(price_cents=100, questions=[question] if column == "answers" else [])
    enroll(campaign, count=1, credits_cents=10**9, buyer__answers={"sqft": 5})
    table, row = {
        "price_rules": ("distribution_campaign", campaign.pk),
        "lead_filter": ("distribution_enrollment", Enrollment.objects.get().pk),
        "answers": ("distribution_buyer", Enrollment.objects.get().buyer_id),
    }[column]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s::jsonb WHERE id = %s", [value, row])
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), attributes={"sqft": 12})

    outcome = distribute_lead(lead.pk)

    assert outcome.is_traced
    assert explain(lead)
    report = run_verification()
    assert report.holds, report


@FUZZ(max_examples=300)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(st.characters(codec=None), max_size=10)
        | st.integers(2**62, 2**70),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
        max_leaves=10,
    )
)
def test_accepted_attributes_can_be_stored(value: Any) -> None:
    kept = repair_attributes({"value": value}, Corrections())

    assert list(find_attribute_problems(kept)) == []
    lead = LeadFactory.build(attributes=json.loads(json.dumps(kept)))
    encode(condition_fields(lead, source="form"))


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("is_marked", [True, False])
def test_verify_reports_decisions_that_cannot_be_replayed(campaign: Campaign, *, is_marked: bool) -> None:
    """Facts that became text may be decided differently. For other facts that is a breach."""
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), attributes={"sqft": 2_000_000})
    assert distribute_lead(lead.pk).charged_cents == 150
    mark = json.dumps({AS_TEXT: ["lead.fields.attributes.sqft"]} if is_marked else {})
    plant(
        "UPDATE tracing_attempt SET facts = jsonb_set(facts, '{lead,fields,attributes.sqft}', '\"huge\"') || %s::jsonb",
        [mark],
    )

    report = run_verification()

    assert report.holds is is_marked
    notes = [note for _, findings in report.results for note in findings.notes]
    note = "1 decision on values recorded as text could not be replayed"
    assert (note in notes) is is_marked


STRANGE = {
    "beyond 64 bits": "1e22",
    "beyond a float": "1e400",
    "too long to be read": "9" * 5_000,
    "infinite when it is read": "1" + "0" * 400 + ".5",
    "nested": '{"a":' * 900 + "1" + "}" * 900,
    "nested beyond reading": '{"a":' * 3_000 + "1" + "}" * 3_000,
}


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("name", STRANGE)
def test_stored_lead_is_shown_with_any_attributes(campaign: Campaign, name: str) -> None:
    """To the buyer that paid for it, to its source, and on the admin's pages."""
    lead = store(campaign, f'{{"sqft": {STRANGE[name]}, "roof_age": 12}}')
    assert distribute_lead(lead.pk).result == "success"

    [sold] = Api(Buyer.objects.get()).get("assignments/")["results"]
    if not name.startswith("nested"):  # left out as a whole if they cannot be read
        assert sold["lead"]["attributes"]["roof_age"] == 12
    operator = client_of(User.objects.create_superuser("root"))
    for page, named in (("change", lead.pk), ("trace", lead.public_id)):
        assert operator.get(reverse(f"admin:routing_lead_{page}", args=[named])).status_code == 200
    key = issue_tracing_key(lead.source)
    for part in ("", "explanation/", "trace/"):
        response = Client().get(
            f"/api/v1/leads/{lead.public_id}/{part}", headers={"authorization": f"Api-Key {key}"}
        )
        assert response.status_code == 200, part
