"""Each query of docs/log-queries.md finds the lines that it should find, among lines that real attempts wrote."""

import json
import logging
import logging.config
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as product_settings

import distribution.attempts.decide_under_lock
from distribution.attempts.distribute import distribute_lead
from routing.leads import attempt_log
from routing.leads.attempt_log import AttemptLine
from tests.support.blocking import holding, short_lock_timeout
from tests.support.factories import CampaignFactory, LeadFactory, RuleFactory, SourceFactory, enroll, person
from tests.support.log_queries import select_by_datadog, select_by_loki
from tests.support.machine import jq

PAGE = Path(__file__).resolve().parents[3] / "docs" / "log-queries.md"
QUERY = re.compile(r"^```(?P<language>datadog|loki|jq)\n(?P<query>.+?)\n```$", re.MULTILINE | re.DOTALL)
SECTIONS = {
    title: {found["language"]: found["query"] for found in QUERY.finditer(body)}
    for title, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
}


@pytest.fixture
def lines(committed_db: None, caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:  # noqa: ARG001
    """Lines of a sale, a duplicate, busy buyers, a busy lead, a lock that timed out, a failure and a slow attempt."""
    caplog.set_level(logging.INFO)
    campaign = CampaignFactory()
    enroll(campaign, count=2, credits_cents=100_000)
    hub = SourceFactory(workspace=RuleFactory(destination=campaign.workspace).workspace)
    same = person("mina@example.org", "+14045550123")
    for _ in range(2):
        distribute_lead(LeadFactory(source=hub, **same).pk)
    source = SourceFactory(workspace=campaign.workspace)
    with holding("SELECT 1 FROM distribution_wallet FOR UPDATE"):
        distribute_lead(LeadFactory(source=source).pk)
    busy = LeadFactory(source=source)
    with holding("SELECT 1 FROM routing_lead FOR UPDATE"):
        distribute_lead(busy.pk)
    with short_lock_timeout(), holding("SELECT 1 FROM distribution_buyer FOR UPDATE"):
        distribute_lead(LeadFactory(source=source).pk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distribution.attempts.decide_under_lock, "sell", _fail)
        distribute_lead(LeadFactory(source=source).pk)
    _log_slow_attempt(campaign.workspace_id)
    formatter = logging.config.DictConfigurator({"version": 1}).configure_formatter(
        dict(product_settings.LOGGING["formatters"]["json"])
    )
    return [json.loads(formatter.format(record)) for record in caplog.records]


def _fail(*_: Any, **__: Any) -> None:
    raise ValueError


def _log_slow_attempt(workspace_id: int) -> None:
    lead = LeadFactory()
    attempt_log.log_attempt(
        AttemptLine(
            lead_id=lead.public_id,
            attempt_id=lead.public_id,
            result="unsold",
            skip_reason="no_campaign",
            attempts=1,
            owner="worker:1",
            duration_ms=5_400.0,
            source_workspace_id=workspace_id,
            destination_workspace_id=workspace_id,
            lock_ms=5_100.0,
        )
    )


EXPECTED = {
    "Failures by reason": ({"routing.failed"}, 1),
    "Slow attempts": ({"routing.complete"}, 1),
    "Failed locks by workspace": ({"routing.lock.failed"}, 3),
    "Duplicates by source": ({"routing.duplicate_detected"}, 1),
}


def test_page_has_each_query_in_three_languages() -> None:
    assert {title: set(queries) for title, queries in SECTIONS.items()} == {
        title: {"datadog", "loki", "jq"} for title in EXPECTED
    }


@pytest.mark.parametrize("title", EXPECTED)
def test_query_finds_its_lines(title: str, lines: list[dict[str, Any]]) -> None:
    events, count = EXPECTED[title]
    queries = SECTIONS[title]

    by_datadog = select_by_datadog(queries["datadog"], lines)
    by_loki, labels = select_by_loki(queries["loki"], lines)

    assert len(lines) == 7
    assert by_datadog == by_loki
    assert ({line["event"] for line in by_datadog}, len(by_datadog)) == (events, count)
    # A field by which the page groups is in every line that it finds, as Loki would have it in a label.
    assert [name for name in labels for line in by_loki if line.get(name) in {None, ""}] == []
    assert [name for name in labels if f"`@{name}`" not in PAGE.read_text()] == []


@pytest.mark.parametrize("title", EXPECTED)
def test_jq_query_finds_its_lines(title: str, lines: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "leadswitch.log"
    file.write_text("\n".join(json.dumps(line) for line in lines))

    query = SECTIONS[title]["jq"]
    answer = subprocess.run(
        [jq(), "--compact-output", query, str(file)], check=True, capture_output=True, text=True
    )

    found = [json.loads(line) for line in answer.stdout.splitlines()]
    events, count = EXPECTED[title]
    fields = re.findall(r"\.(\w+)", query.rpartition("|")[2])
    expected = [[line[name] for name in fields] for line in lines if line["event"] in events]
    assert len(found) == count
    assert all(row in expected for row in found)


def test_slow_attempt_is_a_warning(lines: list[dict[str, Any]]) -> None:
    [slow] = [line for line in lines if line.get("slow")]
    assert (slow["level"], slow["duration_ms"]) == ("warning", 5_400.0)
    others = [line["duration_ms"] for line in lines if line.get("slow") is False]
    assert len(others) == 5
    assert max(others) <= 5_000
