"""Distributed traces add no statement. They add a round trip to Redis for each request and each message, while on."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from routing.models import Lead
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll, issue_key
from tests.support.ports import free_port
from tests.support.processes import pipe, started

pytestmark = pytest.mark.usefixtures("committed_db")

LEADS = 11  # one to warm up, ten in the message


def measure_costs(**environment: str) -> Any:
    campaign = CampaignFactory(workspace__dispatch_mode="event")
    enroll(campaign, count=2, credits_cents=100_000)
    source = SourceFactory(workspace=campaign.workspace)
    lead_ids = [lead.pk for lead in LeadFactory.create_batch(LEADS, source=source)]
    arguments = (issue_key(source), *map(str, lead_ids))
    with started("-m", "tests.support.span_costs", *arguments, **environment) as process:
        costs = json.loads(pipe(process.stdout).readline())
    assert set(Lead.objects.filter(pk__in=lead_ids).values_list("status", flat=True)) == {"distributed"}
    return costs


def rename_savepoints(statements: Sequence[str]) -> list[str]:
    """Django names a savepoint after its thread."""
    return [re.sub(r'"s\d+_x\d+', "savepoint", each) for each in statements]


def test_spans_cost_a_round_trip_a_request_and_a_message() -> None:
    """The receiver does not respond: that costs no caller anything (docs/distributed-traces.md)."""
    off = measure_costs()
    on = measure_costs(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    for act in ("request", "message"):
        assert rename_savepoints(on[act]["statements"]) == rename_savepoints(off[act]["statements"])
        assert on[act]["round_trips"] == off[act]["round_trips"] + 1
    assert sum("COMMIT" in statement for statement in off["message"]["statements"]) == LEADS - 1
