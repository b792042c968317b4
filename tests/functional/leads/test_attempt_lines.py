"""One structured log line for each attempt, named by its result, without personal data (invariant 9)."""

import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as product_settings
from django.db.utils import OperationalError

import distribution.attempts.decide_under_lock
from distribution.attempts.distribute import decide_within, distribute_lead, distribute_next_due
from distribution.explain.personal_data import PERSON_COLUMNS, build_person, recognize
from distribution.models import Campaign
from routing.leads.claim import ClaimLost
from routing.metrics.leads import LEAD_LOCK_SECONDS
from routing.models import Lead, LeadStatus
from routing.reconcile import find_reconciler, run_reconciler
from tests.support.blocking import holding, short_lock_timeout
from tests.support.claims import claim, complete, fail
from tests.support.factories import CampaignFactory, LeadFactory, RuleFactory, SourceFactory, enroll, person
from tracing.metrics import ATTEMPTS

pytestmark = pytest.mark.usefixtures("committed_db")

PERSON = {
    "first_name": "Wilhelmina",
    "last_name": "Featherstone",
    "email": "mina@example.org",
    "phone": "+14045550123",
    "address": "12 Peachtree Street",
    "attributes": {"note": "call mina@example.org", "roof": "slate"},
}
HOLD_WALLETS = "SELECT 1 FROM distribution_wallet FOR UPDATE"
HOLD_BUYERS = "SELECT 1 FROM distribution_buyer FOR UPDATE"
HOLD_LEAD = "SELECT 1 FROM routing_lead WHERE id = %s FOR UPDATE"
HOLD_TABLE = "LOCK TABLE routing_lead IN ACCESS EXCLUSIVE MODE"
FIELDS = {
    *("event", "level", "logger", "timestamp", "lead_id", "attempt_id", "result", "skip_reason", "attempts"),
    *("owner", "duration_ms", "lock", "lock_ms", "rule_id", "duplicate", "duplicate_of", "buyers"),
    *("charged_cents", "cause", "slow", "ended_by"),
    *("source_workspace_id", "destination_workspace_id", "duplicate_workspace_id", "is_test"),
}


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The log lines up to now, as production writes them."""
    caplog.set_level(logging.INFO)
    formatter = logging.config.DictConfigurator({"version": 1}).configure_formatter(
        dict(product_settings.LOGGING["formatters"]["json"])
    )
    return lambda: [json.loads(formatter.format(record)) for record in caplog.records]


@pytest.fixture
def lead(committed_db: None) -> Lead:  # noqa: ARG001
    campaign = CampaignFactory()
    enroll(campaign, count=2, credits_cents=10_000)
    return new_lead(campaign)


def new_lead(campaign: Campaign, **fields: Any) -> Lead:
    made: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), **{**PERSON, **fields})
    return made


@contextmanager
def broken_sale() -> Iterator[None]:
    def fail_with_a_person(*_: Any, **__: Any) -> None:
        message = "cannot sell Wilhelmina Featherstone, +1 404 555 0123, mina@example.org"
        raise ValueError(message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distribution.attempts.decide_under_lock, "sell", fail_with_a_person)
        yield


def no_campaign(lead: Lead) -> None:
    Campaign.objects.update(active=False)
    assert lead.pk


def expire(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(expires_at=lead.received_at)


def close_campaign(_lead: Lead) -> None:
    tomorrow = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(datetime.now(UTC).weekday() + 2) % 7]
    Campaign.objects.update(schedule={tomorrow: [["12:00", "13:00"]]})


def nothing(_lead: Lead) -> None:
    """As it is."""


CASES: dict[str, tuple[Callable[[Lead], None], Callable[[], AbstractContextManager[Any]], dict[str, Any]]] = {
    "sold": (
        nothing,
        nullcontext,
        {"event": "routing.complete", "result": "success", "buyers": 1, "slow": False, "level": "info"},
    ),
    "unsold": (no_campaign, nullcontext, {"event": "routing.complete", "result": "unsold"}),
    "deferred": (close_campaign, nullcontext, {"event": "routing.complete", "result": "deferred"}),
    "expired": (expire, nullcontext, {"event": "routing.complete", "result": "expired"}),
    "contention": (
        nothing,
        lambda: holding(HOLD_WALLETS),
        {"event": "routing.lock.failed", "result": "retry", "lock": "busy", "level": "info"},
    ),
    "timed out": (
        nothing,
        lambda: holding(HOLD_BUYERS),
        {"event": "routing.lock.failed", "result": "retry", "lock": "timed_out", "level": "warning"},
    ),
    "failed": (
        nothing,
        broken_sale,
        {"event": "routing.failed", "result": "retry", "cause": "ValueError", "level": "error"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_attempt_logs_one_line(name: str, lead: Lead, lines: Callable[[], list[dict[str, Any]]]) -> None:
    prepare, during, expected = CASES[name]
    prepare(lead)

    with short_lock_timeout(), during():
        outcome = distribute_lead(lead.pk)

    [line] = lines()
    assert set(line) == FIELDS
    assert {name: line[name] for name in expected} == expected
    assert (line["lead_id"], line["attempt_id"]) == (str(lead.public_id), str(outcome.attempt_id))
    assert (line["skip_reason"], line["attempts"], line["duplicate"]) == (outcome.skip_reason, 1, False)
    assert line["lock"] == expected.get("lock", "acquired")
    assert line["source_workspace_id"] == line["destination_workspace_id"] == lead.workspace_id
    assert line["duplicate_workspace_id"] is None
    assert 0 < line["lock_ms"] < 10_000
    assert ":" in line["owner"]


def test_lead_parked_after_its_last_conflict_has_failed(
    lead: Lead, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    Lead.objects.filter(pk=lead.pk).update(conflicts=19)
    with holding(HOLD_WALLETS):
        assert distribute_lead(lead.pk).result == "failed"
    [line] = lines()
    assert (line["event"], line["lock"], line["level"]) == ("routing.failed", "busy", "error")


@pytest.mark.usefixtures("lead")
def test_duplicate_names_the_lead_that_came_first(lines: Callable[[], list[dict[str, Any]]]) -> None:
    campaign = Campaign.objects.get()
    hub = RuleFactory(destination=campaign.workspace)
    same = person("mina@example.org", "+14045550123")
    first, second = (
        LeadFactory(source=SourceFactory(workspace=hub.workspace), **{**PERSON, **same}) for _ in range(2)
    )
    for each in (first, second):
        distribute_lead(each.pk)

    sold, duplicate = lines()
    assert (sold["event"], sold["rule_id"], sold["duplicate"]) == ("routing.complete", hub.pk, False)
    assert (duplicate["event"], duplicate["lead_id"]) == ("routing.duplicate_detected", str(second.public_id))
    assert (duplicate["duplicate"], duplicate["duplicate_of"]) == (True, str(first.public_id))
    ways = [(each["source_workspace_id"], each["destination_workspace_id"]) for each in (sold, duplicate)]
    assert ways == [(hub.workspace_id, campaign.workspace_id)] * 2
    assert [each["duplicate_workspace_id"] for each in (sold, duplicate)] == [None, campaign.workspace_id]
    assert (duplicate["rule_id"], duplicate["result"], duplicate["lock"]) == (
        hub.pk,
        "duplicate",
        "acquired",
    )


def test_attempt_is_counted_once(lead: Lead) -> None:
    def counted() -> tuple[float, float]:
        buckets = LEAD_LOCK_SECONDS.labels(outcome="acquired")._buckets
        attempts = ATTEMPTS.labels(result="success", skip_reason="")._value.get()
        return attempts, sum(bucket.get() for bucket in buckets)

    attempts, locks = counted()
    distribute_lead(lead.pk)
    assert counted() == (attempts + 1, locks + 1)


def test_lead_locked_by_another_worker_counts_as_a_failed_lock(
    lead: Lead, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    """Contention is normal and not an error. An empty queue or a late message logs nothing."""
    with holding(HOLD_LEAD, [lead.pk]):
        distribute_lead(lead.pk)
        distribute_next_due()
    distribute_lead(lead.pk)
    distribute_lead(lead.pk)

    busy, sold = lines()
    assert (busy["event"], busy["lock"], busy["lead_row"], busy["level"]) == (
        "routing.lock.failed",
        "busy",
        lead.pk,
        "info",
    )
    assert "attempt_id" not in busy
    assert (busy["lead_id"], busy["source_workspace_id"], busy["destination_workspace_id"]) == (
        str(lead.public_id),
        lead.workspace_id,
        lead.workspace_id,
    )
    assert sold["event"] == "routing.complete"


def test_locked_table_times_out(lead: Lead, lines: Callable[[], list[dict[str, Any]]]) -> None:
    with short_lock_timeout(), holding(HOLD_TABLE), pytest.raises(OperationalError):
        distribute_lead(lead.pk)

    [line] = lines()
    assert (line["event"], line["lock"], line["lead_row"]) == ("routing.lock.failed", "timed_out", lead.pk)
    assert line["lock_ms"] >= 50
    assert distribute_lead(lead.pk).result == "success"


def test_no_line_has_personal_data(
    lead: Lead, lines: Callable[[], list[dict[str, Any]]], settings: Any
) -> None:
    """Every end of an attempt, checked by the recognizer that `verify` uses for traces."""
    settings.LEADSWITCH_CLAIM_MAX_SECONDS = 60
    campaign = Campaign.objects.get()
    with holding(HOLD_WALLETS):
        distribute_lead(lead.pk)
    with broken_sale():
        distribute_lead(new_lead(campaign).pk)
    decide_within(new_lead(campaign).pk, seconds=1)
    owned = [new_lead(campaign).pk for _ in range(3)]
    for lead_id in owned:
        claim(lead_id, owner="caller:1")
    fail(owned[0], owner="caller:1", at=datetime.now(UTC))
    complete(owned[1], owner="caller:1", status=LeadStatus.CANCELLED, at=datetime.now(UTC))
    with pytest.raises(ClaimLost):
        complete(owned[1], owner="caller:1", status=LeadStatus.CANCELLED, at=datetime.now(UTC))
    Lead.objects.filter(status="calling").update(locked_at=lead.received_at.replace(year=2020))
    new_lead(campaign, expires_at=lead.received_at, paused_at=lead.received_at)
    for name in ("stale_locks", "expiry", "balances"):
        run_reconciler(find_reconciler(name), fix=True)
    Campaign.objects.update(active=False)
    distribute_lead(new_lead(campaign).pk)

    values = Lead.objects.filter(pk=lead.pk).values_list(*PERSON_COLUMNS).get()
    whom = build_person(values)
    logged = lines()
    found = {
        (line["event"], key): recognize(value, whom, is_rule=False)
        for line in logged
        for key, value in line.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    assert {place: kind for place, kind in found.items() if kind} == {}
    assert {line["event"] for line in logged} >= {
        *("routing.complete", "routing.failed", "routing.lock.failed"),
        *("routing.lease_lost", "routing.reconciled"),
    }
    # The control: the recognizer would have found it.
    assert recognize("sent to Wilhelmina Featherstone", whom, is_rule=False)
