"""Registries are complete: gates, skip reasons, events, reconcilers."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from distribution.engine.gates import GATES, STAGES
from distribution.explain.remedy.fixes import FIXES
from routing.leads.explanation import ADVICE
from tracing import gates, narrator
from tracing.models import AttemptResult
from tracing.obstacles import fixer_of
from tracing.skip_reasons import OF_OFFERS, SKIP_REASONS, Fixer, Level
from tracing.vocabulary import EVENT_SHAPES, TERMINAL_EVENTS, Event

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = (REPOSITORY / "docs" / "skip-reasons.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| (\w+) \| (\w+) \| (.+) \|$", re.MULTILINE)


def of_level(level: Level) -> set[str]:
    return {code for code, reason in SKIP_REASONS.items() if level in reason.levels}


def test_gate_has_a_skip_reason_words_and_a_fix() -> None:
    assert [gate.code for gate in gates.GATES] == list(STAGES)
    assert set(STAGES) <= of_level(Level.BUYER) & set(FIXES)
    assert {gate.empty_pool_reason for gate in GATES} <= of_level(Level.LEAD)


@pytest.mark.parametrize("code", SKIP_REASONS)
def test_skip_reason_says_what_would_have_to_change(code: str) -> None:
    """The reason itself says so, or the gate does, or each buyer of an emptied pool does."""
    reason = SKIP_REASONS[code]
    says_elsewhere = code in STAGES or code in {gate.empty_pool_reason for gate in GATES}
    assert bool(reason.change) != says_elsewhere


@pytest.mark.parametrize(
    "code", [code for code, reason in SKIP_REASONS.items() if reason.fixer is Fixer.SYSTEM]
)
def test_reason_that_passes_by_itself_says_what_to_do_when_no_attempt_follows(code: str) -> None:
    assert not narrator.describe_lead_change(code, is_last=True).startswith("nothing")
    assert fixer_of(code, is_last=True) == "agency"


@pytest.mark.parametrize("code", SKIP_REASONS)
def test_skip_reason_has_a_sentence_and_each_of_buyers_a_clause(code: str) -> None:
    reason = SKIP_REASONS[code]
    assert reason.sentence.endswith(".")
    assert bool(reason.clause) == (Level.BUYER in reason.levels)


def test_lead_level_reasons_have_advice_for_the_sender_and_buyer_level_ones_a_fix() -> None:
    assert set(ADVICE) == of_level(Level.LEAD)
    of_gates = of_level(Level.BUYER) - {"outranked", "outbid"} - OF_OFFERS
    assert set(FIXES) == of_gates | {"outside_campaign_hours", "promise_ended"}


def test_documentation_lists_every_skip_reason_as_it_is() -> None:
    listed = {row[0]: row[1:] for row in ROW.findall(DOCUMENT)}
    assert listed == {
        reason.code: (
            " and ".join(sorted(level.value for level in reason.levels)),
            reason.retry_class.value,
            reason.fixer.value,
            reason.sentence,
        )
        for reason in SKIP_REASONS.values()
    }


def test_event_has_a_shape_and_a_sentence() -> None:
    assert set(EVENT_SHAPES) == set(narrator.EVENT_WORDS) == set(Event)


def test_every_result_of_an_attempt_is_closed_by_one_terminal_event() -> None:
    results = [result for event in TERMINAL_EVENTS for result in EVENT_SHAPES[event].results]
    assert sorted(results) == sorted([*AttemptResult.values, "offered"]), "to be claimed, or to be bid for"


def marked() -> Iterator[tuple[str, str]]:
    """The names in `@pytest.mark.finds("name")`, each with its test."""
    for path in sorted((REPOSITORY / "tests").rglob("test_*.py")):
        text = path.read_text()
        if "mark.finds(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                for call in node.decorator_list:
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.finds":
                        yield ast.literal_eval(call.args[0]), f"{path.name}::{node.name}"


def test_reconciler_has_a_module_a_period_a_task_a_page_and_a_test_in_which_it_finds_something() -> None:
    table = import_module("leadswitch.settings").LEADSWITCH_RECONCILERS
    page = (REPOSITORY / "docs" / "reconcilers.md").read_text()
    finding = dict(marked())
    assert set(finding) == set(table)
    for name, (place, period_seconds) in table.items():
        assert callable(import_string(place))
        assert period_seconds > 0
        assert settings.CELERY_BEAT_SCHEDULE[f"reconcile-{name}"]["args"] == (name,)
        assert f"| `{name}` |" in page
    modules = {
        f"{app}.reconcile.{path.stem}.run"
        for app in ("distribution", "routing", "tracing")
        for path in (REPOSITORY / app / "reconcile").glob("*.py")
        if re.search(r"^def run\(\*, fix: bool", path.read_text(), re.MULTILINE)
    }
    assert modules == {place for place, _ in table.values()}
