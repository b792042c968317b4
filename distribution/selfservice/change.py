"""The use case: changes one part of a buyer's account, or of one of its enrollments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model

from distribution.models import Buyer, Enrollment, Wallet
from distribution.selfservice.resolve import Resolved, resolve
from distribution.selfservice.settings import ENROLLMENT, NOTICE, Part
from distribution.selfservice.versions import make_version, require_version
from tracing import audit
from tracing.locks import for_change


@dataclass(frozen=True, slots=True)
class Author:
    """`actor`: the key or the person, for the audit log. `reason`: "API" or "portal", or what the person typed."""

    actor: str
    at: datetime
    reason: str = "API"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`row` as it is now. `changed`: the names of the fields that changed; none if all were so before."""

    row: Any
    version: str
    changed: Sequence[str]


def read_version(row: Model, *, part: Part) -> str:
    """The present version of a part, for the header ETag and hidden fields of forms."""
    return make_version(row, part=part.name, columns=part.columns)


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
        require_version(if_match, present=read_version(row, part=part))
        resolved = resolve(row, part=part, patch=patch, at=by.at)
        store(row, resolved, by=by)
    return Outcome(row, read_version(row, part=part), resolved.fields)


def store(row: Model, resolved: Resolved, *, by: Author) -> None:
    """Write the columns with their audit entry. Needs the row's lock and an open transaction."""
    if not resolved.columns:
        return
    before = audit.read_state(row, fields=list(resolved.columns))
    row.save(update_fields=list(resolved.columns))
    workspace_id = workspace_of(row)
    audit.record_save(row, actor=by.actor, workspace_id=workspace_id, reason=by.reason, before=before)


def workspace_of(row: Any) -> int:
    """Of a buyer, a wallet or an enrollment."""
    found: int = (row if isinstance(row, Buyer) else row.buyer).workspace_id
    return found
