"""Versions of a contract: when they start, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from distribution.models import SourceContract
from distribution.payables.contracts import (
    NOTICE,
    ContractRefused,
    Terms,
    add_contract,
    find_newest,
    today_of,
)
from routing.models import Source
from tests.support.factories import LeadFactory, SourceFactory
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")


def fixed(valid_from: date, amount_cents: int = 700) -> Terms:
    return Terms(pays="fixed", amount_cents=amount_cents, valid_from=valid_from)


def add(source: Source, terms: Terms, *, at: datetime | None = None) -> SourceContract:
    return add_contract(source, terms, actor="ann", reason="new deal", at=at)


def test_version_starts_at_midnight_of_the_workspace() -> None:
    source = LeadFactory().source
    day = today_of(source, at=timezone.now()) + timedelta(days=3)

    contract = add(source, fixed(day))

    assert contract.starts_at == datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    assert (contract.valid_from, contract.amount_cents, contract.share_bps) == (day, 700, None)
    assert (contract.actor, contract.reason, contract.returns_deducted) == ("ann", "new deal", True)


def test_version_is_audited() -> None:
    source = SourceFactory()

    add(source, Terms(pays="share", share_bps=1_250, valid_from=date(2026, 1, 1)))

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.model, entry.object_id, entry.reason) == (
        *("ann", "contract", "routing.source"),
        str(source.pk),
        "new deal",
    )
    assert entry.after == {"contract": "12.5% of the revenue from 2026-01-01"}
    assert entry.workspace_id == source.workspace_id


def test_version_for_today_starts_after_the_notice() -> None:
    """A sale that is being made does not see it, so it must not apply to that sale."""
    source = LeadFactory().source
    now = timezone.now()

    contract = add(source, fixed(today_of(source, at=now)), at=now)

    assert contract.starts_at == now + NOTICE


def test_source_without_leads_takes_a_version_from_an_earlier_day() -> None:
    source = SourceFactory()

    contract = add(source, fixed(date(2020, 2, 1)))

    assert contract.starts_at == datetime(2020, 2, 1, 5, tzinfo=UTC)


def test_earlier_day_is_refused_once_the_source_has_leads() -> None:
    source = LeadFactory().source
    yesterday = today_of(source, at=timezone.now()) - timedelta(days=1)

    with pytest.raises(ContractRefused, match="has sent leads already"):
        add(source, fixed(yesterday))

    assert not SourceContract.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"pays": "fixed"}, "needs an amount"),
        ({"pays": "share", "amount_cents": 5}, "needs basis points"),
        ({"pays": "nothing", "amount_cents": 5}, "neither an amount nor a share"),
        ({"pays": "share", "share_bps": 10_001}, "10000"),
        ({"pays": "fixed", "amount_cents": -1}, "amount_cents"),
        ({"pays": "bribe"}, "pays"),
    ],
)
def test_terms_that_do_not_fit_are_refused_in_words(terms: dict[str, object], message: str) -> None:
    with pytest.raises(ContractRefused, match=message):
        add(SourceFactory(), Terms(valid_from=date(2026, 1, 1), **terms))  # type: ignore[arg-type]
    assert not SourceContract.objects.exists()


def test_newest_contract_is_the_one_that_starts_last() -> None:
    source = SourceFactory()
    assert find_newest(source) is None
    add(source, fixed(date(2026, 1, 1), 100))
    last = add(source, fixed(date(2026, 3, 1), 300))
    add(source, fixed(date(2026, 2, 1), 200))

    assert find_newest(source) == last


def test_terms_are_compared_without_their_day() -> None:
    contract = add(SourceFactory(), fixed(date(2026, 1, 1)))

    assert fixed(date(2026, 5, 1)).is_same_as(contract)
    assert not fixed(date(2026, 1, 1), 701).is_same_as(contract)
    assert not fixed(date(2026, 1, 1)).is_same_as(None)
