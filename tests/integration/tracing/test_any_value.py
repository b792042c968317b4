"""No value makes a trace fail, whether code passes it to the recorder or it is stored with a lead."""

import json
import logging
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
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
from tracing.attempt_parts import AttemptEnd, AttemptHead
from tracing.metrics import TRACES_AS_TEXT
from tracing.models import Attempt, LeadDistributionEvent
from tracing.plainvalues import AS_TEXT, MAX_DEPTH, MAX_PATHS, MAX_TEXT, PlainValues
from tracing.recorder import Recorder, encode, new_attempt_id, write_many
from tracing.vocabulary import Event

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
FUZZ = partial(settings, deadline=None, suppress_health_check=list(HealthCheck))

TEXTS = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    ["\x00", "\ud800", "a\udc00b", "\ufeff", ""]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**400), max_value=10**400)
    | st.floats()
    | TEXTS
    | st.decimals()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.times()
    | st.uuids()
    | st.binary(max_size=30)
    | st.builds(object)
    | st.sampled_from(
        [1e22, 2**63, -(2**63) - 1, 2**64, 1 << 14_000, float("inf"), float("nan"), "x" * 20_000]
    )
)
KEYS = TEXTS | st.integers() | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def new_recorder(*, lead_id: int = 1, worker: str = "here:1") -> Recorder:
    head = AttemptHead(
        id=new_attempt_id(),
        lead_id=lead_id,
        number=1,
        trigger="ingest",
        source_workspace_id=2,
        started_at=AT,
        worker=worker,
    )
    return Recorder(head)


def finished(**changes: Any) -> AttemptEnd:
    return AttemptEnd(**{"result": "success", "finished_at": AT, "duration_ms": 1.5, **changes})


def count_as_text() -> float:
    return float(TRACES_AS_TEXT._value.get())


@pytest.mark.django_db
class TestRecorder:
    @FUZZ(max_examples=150)
    @given(data=VALUES, facts=VALUES, cents=st.integers(-(2**70), 2**70), worker=TEXTS)
    def test_recorder_writes_every_value(self, data: Any, facts: Any, cents: int, worker: str) -> None:
        recorder = new_recorder(worker=worker)
        recorder.add(
            Event.BUYER_SKIPPED,
            buyer_id=7,
            cost_cents=cents,
            reason="locked",
            outcome=worker[:20],
            data={"value": data},
        )
        recorder.add(Event.DISTRIBUTED)
        with transaction.atomic():
            assert recorder.write(finished(facts={"value": facts}))
            transaction.set_rollback(True)

    @pytest.mark.parametrize(
        ("value", "stored"),
        [
            (10**22, "10000000000000000000000"),
            (-(2**63) - 1, "-9223372036854775809"),
            (1 << 14_000, "(a number of 14001 bits)"),
            (Decimal("1.50"), "1.50"),
            (AT, "2026-03-02T15:00:00+00:00"),
            (date(2026, 3, 2), "2026-03-02"),
            (time(15), "15:00:00"),
            ({"id": UUID(int=1), 5: "x"}, {"id": "00000000-0000-0000-0000-000000000001", "5": "x"}),
            ("a\x00b", "a\ufffdb"),
            ("a\ud800b", "a\ufffdb"),
            (b"a\xff", "a\ufffd"),
            (object(), "(object)"),
        ],
    )
    def test_non_json_value_is_text(self, value: Any, stored: Any) -> None:
        recorder = new_recorder()
        recorder.add(Event.DISTRIBUTED, data={"a": {"b": value}, "as it is": [1, 2.5, "text", None, True]})
        before = count_as_text()

        assert recorder.write(finished(facts={"seed": 1, "lead": [value]}))

        data = LeadDistributionEvent.objects.get(event="distributed").data
        assert (data["a"]["b"], data["as it is"]) == (stored, [1, 2.5, "text", None, True])
        facts = Attempt.objects.get().facts
        paths = [".id", ".5"] if isinstance(value, dict) else [""]
        assert facts == {"seed": 1, "lead": [stored], AS_TEXT: [f"lead[0]{path}" for path in paths]}
        assert data[AS_TEXT] == [f"a.b{path}" for path in paths]
        assert count_as_text() == before + 1

    def test_set_is_a_list(self) -> None:
        recorder = new_recorder()
        recorder.add(Event.DISTRIBUTED, data={"set": frozenset({1})})

        assert recorder.write(finished())

        assert LeadDistributionEvent.objects.get(event="distributed").data == {"set": [1]}

    def test_number_too_large_for_its_column_is_in_the_data(self) -> None:
        recorder = new_recorder()
        recorder.add(Event.DISTRIBUTED, cost_cents=2**63)

        assert recorder.write(finished())

        event = LeadDistributionEvent.objects.get(event="distributed")
        assert (event.cost_cents, event.data) == (None, {"cost_cents": str(2**63), AS_TEXT: ["cost_cents"]})

    def test_excessive_text_is_cut(self) -> None:
        recorder = new_recorder()
        recorder.add(Event.DISTRIBUTED, data={"text": "x" * 50_000_000})

        assert recorder.write(finished())

        text = LeadDistributionEvent.objects.get(event="distributed").data["text"]
        assert text == "x" * MAX_TEXT + " (cut)"

    def test_each_of_many_traces_is_written(self) -> None:
        traces = []
        for lead_id, value in ((1, "plain"), (2, "\x00")):
            recorder = new_recorder(lead_id=lead_id)
            recorder.add(Event.DISTRIBUTED, data={"value": value})
            traces.append((recorder, finished()))

        assert write_many(traces)

        events = LeadDistributionEvent.objects.filter(event="distributed").order_by("lead_id")
        assert [each.data["value"] for each in events] == ["plain", "\ufffd"]

    def test_log_names_the_attempt_and_no_value(self, caplog: pytest.LogCaptureFixture) -> None:
        recorder = new_recorder()
        recorder.add(Event.DISTRIBUTED, data={"value": 10**30})
        with caplog.at_level(logging.WARNING):
            recorder.write(finished())

        [record] = [each for each in caplog.records if each.name == "tracing.recorder"]
        assert record.getMessage() == "trace.written_as_text"
        assert record.attempt_id == str(recorder.head.id)  # type: ignore[attr-defined] # it is extra


class TestPlainValues:
    @FUZZ(max_examples=300)
    @given(VALUES)
    def test_plain_values_can_be_encoded_and_do_not_change(self, value: Any) -> None:
        values = PlainValues()
        made = values.make_object({"value": value})

        text = encode(made)
        assert json.loads(text) == made
        assert "\\u0000" not in text
        assert len(values.changed) <= MAX_PATHS

    @FUZZ(max_examples=200)
    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**63), 2**63 - 1)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=20).filter(lambda text: "\x00" not in text),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.text(max_size=5).filter(lambda text: "\x00" not in text), inner, max_size=3
                )
            ),
            max_leaves=10,
        )
    )
    def test_storable_value_is_unchanged(self, value: Any) -> None:
        values = PlainValues()

        assert values.make(value) == value
        assert values.changed == []

    def test_nesting_is_limited(self) -> None:
        value: Any = []
        for _ in range(100_000):
            value = [value]
        values = PlainValues()

        assert str(values.make(value)).count("[") == MAX_DEPTH
        assert len(values.changed) == 1


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
    note = "1 decisions on values recorded as text could not be replayed"
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
