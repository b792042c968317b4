"""Versions of a source's contract. A version is added, never changed, and applies to later sales alone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from distribution.locks import keep_leads_out
from distribution.models import SourceContract
from routing.calendar.zones import load_zone, start_of_day
from routing.models import Lead, Source
from tracing import audit

# Longer than any transaction: a sale from `starts_at` on sees the version, because it was committed before.
NOTICE: Final = timedelta(minutes=1)


class ContractRefused(ValueError):
    """The version is not valid, or would change what was owed before. The message says why."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a version says. `amount_cents` for a fixed amount, `share_bps` for a share, neither for nothing."""

    pays: str
    valid_from: date
    amount_cents: int | None = None
    share_bps: int | None = None
    returns_deducted: bool = True

    def is_same_as(self, contract: SourceContract | None) -> bool:
        """Whether the version pays the same, from whatever day."""
        return contract is not None and (
            (self.pays, self.amount_cents, self.share_bps, self.returns_deducted)
            == (contract.pays, contract.amount_cents, contract.share_bps, contract.returns_deducted)
        )


def add_contract(
    source: Source, terms: Terms, *, actor: str, reason: str, at: datetime | None = None
) -> SourceContract:
    """Add a version, with its audit entry. Raises ContractRefused.

    A version for today starts after NOTICE. One for an earlier day is accepted only while the source has no lead.
    """
    with transaction.atomic():
        keep_leads_out(source.pk)
        contract = SourceContract(
            source=source,
            pays=terms.pays,
            amount_cents=terms.amount_cents,
            share_bps=terms.share_bps,
            returns_deducted=terms.returns_deducted,
            valid_from=terms.valid_from,
            starts_at=_find_start(source, terms.valid_from, at=at or timezone.now()),
            actor=actor[:150],
            reason=reason,
        )
        _check(contract)
        contract.save(force_insert=True)
        audit.record(
            actor=actor,
            action="contract",
            target=source,
            workspace_id=source.workspace_id,
            reason=reason,
            after={"contract": str(contract)},
        )
    return contract


def find_newest(source: Source) -> SourceContract | None:
    """Return the version that starts last."""
    return SourceContract.objects.filter(source=source).order_by("-starts_at", "-id").first()


def today_of(source: Source, *, at: datetime) -> date:
    """Today in the time zone of the source's workspace."""
    return at.astimezone(load_zone(source.workspace.timezone)).date()


def _find_start(source: Source, day: date, *, at: datetime) -> datetime:
    start = start_of_day(day, zone=load_zone(source.workspace.timezone))
    if start > at + NOTICE or not Lead.objects.filter(source=source).exists():
        return start
    if day < today_of(source, at=at):
        raise ContractRefused(
            "the source has sent leads already, so a contract can start today at the earliest"
        )
    return at + NOTICE


def _check(contract: SourceContract) -> None:
    try:
        contract.full_clean()
    except ValidationError as error:
        raise ContractRefused("; ".join(_describe_problem(contract, error))) from None


def _describe_problem(contract: SourceContract, error: ValidationError) -> list[str]:
    if set(error.message_dict) != {"__all__"}:
        return [f"{name}: {text}" for name, texts in error.message_dict.items() for text in texts]
    needed = {
        "fixed": "a fixed amount needs an amount, and no share",
        "share": "a share needs basis points from 1 to 10000, and no amount",
    }
    return [needed.get(contract.pays, "a contract that pays nothing has neither an amount nor a share")]
