"""The use case: changes one part of a buyer's account, or of one of its enrollments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from distribution.models import Buyer, ChangeProposal, Enrollment, Wallet
from distribution.selfservice.approvals import needs_approval, propose
from distribution.selfservice.author import Author
from distribution.selfservice.resolve import resolve
from distribution.selfservice.settings import ENROLLMENT, NOTICE, Part
from distribution.selfservice.storing import store
from distribution.selfservice.versions import read_version, require_version
from tracing.locks import for_change

__all__ = ["Author", "Outcome", "change_account", "change_enrollment", "read_version"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`row` as it is now. `changed`: the names of the fields that changed; none if all were so before.

    `proposal`: nothing was changed, and the change waits for the agency.
    """

    row: Any
    version: str
    changed: Sequence[str]
    proposal: ChangeProposal | None = None


def change_account(
    buyer: Buyer, *, part: Part, patch: Mapping[str, Any], by: Author, if_match: str | None
) -> Outcome:
    """Change a part of the buyer's own row, or of its wallet (NOTICE).

    Raises VersionMissing, VersionStale, FieldsRefused, ChangeRefused. Then nothing was stored.
    """
    rows = Wallet.objects.filter(buyer_id=buyer.pk) if part is NOTICE else Buyer.objects.filter(pk=buyer.pk)
    return _change(rows, part=part, patch=patch, by=by, if_match=if_match)


def change_enrollment(
    enrollment: Enrollment, *, patch: Mapping[str, Any], by: Author, if_match: str | None
) -> Outcome:
    """Change filter, caps, budgets, bid or pause of one enrollment. Raises as change_account."""
    rows = Enrollment.objects.filter(pk=enrollment.pk)
    return _change(rows, part=ENROLLMENT, patch=patch, by=by, if_match=if_match)


def _change(rows: Any, *, part: Part, patch: Mapping[str, Any], by: Author, if_match: str | None) -> Outcome:
    """The lock comes first: what was validated is what is stored, and the version is the present one."""
    with transaction.atomic():
        row = for_change(rows).get()
        version = read_version(row, part=part)
        require_version(if_match, present=version)
        resolved = resolve(row, part=part, patch=patch, at=by.at)
        if needs_approval(row, resolved):
            made = propose(row, part=part, patch=patch, fields=resolved.fields, version=version, by=by)
            return Outcome(rows.get(), version, (), made)
        store(row, resolved, by=by)
    return Outcome(row, read_version(row, part=part), resolved.fields)
