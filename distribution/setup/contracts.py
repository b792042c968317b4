"""Versions of a source's contract from a setup file. A version that is stored already is left as it is."""

from datetime import date
from typing import Any, Final

from distribution.models import SourceContract
from distribution.payables.contracts import ContractRefused, Terms, add_contract
from distribution.setup.document import Entry
from routing.models import Source

FIELDS: Final = ("pays", "amount_cents", "share_bps", "returns_deducted")


def put_contract(source: Source, entry: Entry, *, actor: str, reason: str) -> tuple[SourceContract, bool]:
    """Add the version unless the newest one for its day says the same. Returns it, and whether it is new.

    Raises ContractRefused.
    """
    terms = _read_terms(entry)
    stored = SourceContract.objects.filter(source=source, valid_from=terms.valid_from).order_by("-id").first()
    if stored is not None and terms.is_same_as(stored):
        return stored, False
    return add_contract(source, terms, actor=actor, reason=reason), True


def _read_terms(entry: Entry) -> Terms:
    try:
        valid_from = date.fromisoformat(str(entry.key))
    except ValueError:
        raise ContractRefused("valid_from must be a date such as 2026-01-31") from None
    given: dict[str, Any] = {
        name: entry.fields[name] for name in FIELDS if entry.fields.get(name) is not None
    }
    if not isinstance(given.get("returns_deducted", True), bool):
        raise ContractRefused("returns_deducted must be true or false")
    if type(given.get("share_bps", 0)) is not int:
        raise ContractRefused("share_bps must be a whole number of basis points: 1250 is 12.5%")
    return Terms(**{"pays": "", **given, "valid_from": valid_from})
