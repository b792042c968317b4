"""No value that code passes to the recorder makes a trace fail. test_stored_values.py has stored values."""

import json
import logging
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracing.attempt_parts import AttemptEnd, AttemptHead
from tracing.metrics import TRACES_AS_TEXT
from tracing.models import Attempt, LeadDistributionEvent
from tracing.plainvalues import AS_TEXT, MAX_DEPTH, MAX_PATHS, MAX_TEXT, PlainValues
from tracing.recorder import Recorder, encode, new_attempt_id, write_many
from tracing.vocabulary import Event

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # a text may contain the escape itself
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
        assert NUL.search(text) is None
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
