"""A buyer's own endpoints for leads: add, change, test, new secret, delete. Subscriptions to events are elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import ProtectedError, QuerySet

from distribution.deliveries.sample import LiveAddressNotConfirmed, find_address_to_confirm, send_test_lead
from distribution.deliveries.secrets import make_secret
from distribution.deliveries.tried import Tried
from distribution.models import Buyer, Delivery, Endpoint, EndpointSecret, Method, Purpose
from distribution.selfservice.author import Author
from distribution.selfservice.endpoint_settings import COLUMNS, apply_settings, refuse_bad_urls
from distribution.selfservice.refusals import ChangeRefused
from distribution.selfservice.versions import make_version, require_version
from distribution.slow_work import OUTSIDE
from tracing import audit
from tracing.locks import for_change
from tracing.wording import count

MOST: Final = 20
PART: Final = "endpoint"
# A thread of the web server waits.
TEST_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class ChangedEndpoint:
    """`secret`: only of a new webhook, shown once. `changed`: the columns."""

    endpoint: Endpoint
    version: str
    changed: Sequence[str] = ()
    secret: str = ""


def list_endpoints(buyer: Buyer) -> QuerySet[Endpoint]:
    """Those that get leads, by name. Headers and templates are not decrypted."""
    mine = Endpoint.objects.filter(buyer_id=buyer.pk, events=[], purpose=Purpose.DELIVERY)
    return mine.select_related("campaign").defer("headers", "template").order_by("name", "pk")


def find_endpoint(public_id: UUID, *, buyer: Buyer) -> Endpoint | None:
    """With headers and template."""
    return list_endpoints(buyer).defer(None).filter(public_id=public_id).first()


def read_endpoint_version(endpoint: Endpoint) -> str:
    """A new secret changes it, so that of two clicks one makes a new secret."""
    secrets = EndpointSecret.objects.filter(endpoint=endpoint).order_by("-pk")
    newest = secrets.values_list("pk", flat=True).first() or 0
    return make_version(endpoint, part=f"{PART}:{newest}", columns=COLUMNS)


def add_endpoint(buyer: Buyer, *, body: Mapping[str, Any], by: Author) -> ChangedEndpoint:
    """Store an endpoint; a webhook gets its secret, which is returned and shown once.

    Raises FieldsRefused, ChangeRefused.
    """
    made = Endpoint(buyer=buyer, workspace_id=buyer.workspace_id)
    refuse_bad_urls(body)
    with transaction.atomic():
        for_change(Buyer.objects.filter(pk=buyer.pk)).get()
        if list_endpoints(buyer).count() >= MOST:
            text = f"You have {MOST} endpoints, which is the most. Delete one first."
            raise ChangeRefused("too_many", text)
        apply_settings(made, {"name": None, "method": None, **body})
        made.save(force_insert=True)
        secret = _secret_of(made, by)
        _audit(made, "added", by)
    return ChangedEndpoint(made, read_endpoint_version(made), tuple(body), secret)


def change_endpoint(
    endpoint: Endpoint, *, patch: Mapping[str, Any], by: Author, if_match: str | None
) -> ChangedEndpoint:
    """Raises VersionMissing, VersionStale, FieldsRefused."""
    require_version(if_match, present=read_endpoint_version(endpoint))
    refuse_bad_urls(patch)
    with transaction.atomic():
        row = _lock(endpoint, if_match=if_match)
        changed = apply_settings(row, patch)
        secret = ""
        if changed:
            before = audit.read_state(row, fields=changed)
            row.save(update_fields=changed)
            audit.record_save(
                row, actor=by.actor, workspace_id=row.workspace_id, reason=by.reason, before=before
            )
            secret = _secret_of(row, by)
    return ChangedEndpoint(row, read_endpoint_version(row), changed, secret)


def renew_secret(endpoint: Endpoint, *, by: Author, if_match: str | None) -> ChangedEndpoint:
    """The new secret signs first; the one before it signs as well for 24 hours.

    Raises VersionMissing, VersionStale, ChangeRefused.
    """
    with transaction.atomic():
        row = _lock(endpoint, if_match=if_match)
        if row.method != Method.WEBHOOK:
            text = "Only signed webhooks have a secret. This endpoint has another method."
            raise ChangeRefused("no_secret", text)
        secret = make_secret(row, at=by.at, actor=by.actor, reason=by.reason)
    return ChangedEndpoint(row, read_endpoint_version(row), secret=secret)


def delete_endpoint(endpoint: Endpoint, *, by: Author, if_match: str | None) -> None:
    """Only one that has no deliveries: those are kept. Raises VersionMissing, VersionStale, ChangeRefused."""
    with transaction.atomic():
        row = _lock(endpoint, if_match=if_match)
        sent = Delivery.objects.filter(endpoint=row)[:1_000].count()
        if sent:
            raise _has_deliveries(f"{count(sent, 'delivery', 'deliveries')} of this endpoint")
        _audit(row, "deleted", by, is_gone=True)
        try:
            row.delete()
        except ProtectedError:  # a sale has just made a delivery to it
            raise _has_deliveries("Deliveries of this endpoint") from None


def try_endpoint(endpoint: Endpoint, *, by: Author, confirmed_address: str = "") -> Tried:
    """Send an invented lead to its test URL, or to the live address if exactly that address is confirmed.

    Waits for the answer, but not long, so it needs no open transaction. Raises ChangeRefused, TooBusy.
    """
    try:
        with OUTSIDE.take():
            return send_test_lead(
                endpoint, at=by.at, confirmed_address=confirmed_address, longest_seconds=TEST_SECONDS
            )
    except LiveAddressNotConfirmed:
        address = find_address_to_confirm(endpoint)
        text = f"It has no test URL. To send the test to the live address, confirm it: {address}"
        raise ChangeRefused("not_confirmed", text) from None


def _lock(endpoint: Endpoint, *, if_match: str | None) -> Endpoint:
    rows = Endpoint.objects.select_related("buyer__workspace", "campaign", "workspace")
    row: Endpoint = for_change(rows.filter(pk=endpoint.pk)).get()
    require_version(if_match, present=read_endpoint_version(row))
    return row


def _secret_of(endpoint: Endpoint, by: Author) -> str:
    """Of a webhook that has none."""
    if endpoint.method != Method.WEBHOOK or endpoint.secrets.exists():
        return ""
    return make_secret(endpoint, at=by.at, actor=by.actor, reason=by.reason)


def _audit(row: Endpoint, action: str, by: Author, *, is_gone: bool = False) -> None:
    state = audit.read_state(row)
    audit.record(
        actor=by.actor,
        action=action,
        target=row,
        workspace_id=row.workspace_id,
        reason=by.reason,
        before=state if is_gone else {},
        after={} if is_gone else state,
    )


def _has_deliveries(what: str) -> ChangeRefused:
    text = (
        f"{what} are kept, so it cannot be deleted. Set `active` to false instead: it then gets nothing new."
    )
    return ChangeRefused("has_deliveries", text)
