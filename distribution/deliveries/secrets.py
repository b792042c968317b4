"""Secrets that sign the messages to an endpoint. They are shown once and stored encrypted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from distribution.deliveries.locks import lock_endpoint
from distribution.deliveries.payloads.signing import MOST_SECRETS, SigningSecret
from distribution.models import Endpoint, EndpointSecret
from tracing import audit

# While both secrets sign, the buyer changes over.
DEFAULT_OVERLAP: Final = timedelta(hours=24)


def make_secret(
    endpoint: Endpoint, *, at: datetime, actor: str, reason: str = "", overlap: timedelta = DEFAULT_OVERLAP
) -> str:
    """Store a new secret that signs first. The one before it signs as well until `overlap` has passed.

    Of several in a short time, the newest MOST_SECRETS sign: a second click must not end the one that the buyer uses.
    Returns the secret, which nothing else shows. Two concurrent calls are serialized by the endpoint's row.
    """
    text = SigningSecret.generate().write()
    with transaction.atomic():
        lock_endpoint(endpoint.pk)
        former = EndpointSecret.objects.filter(endpoint=endpoint, expires_at__isnull=True)
        had_one = former.update(expires_at=at + overlap) > 0
        EndpointSecret.objects.filter(endpoint=endpoint, expires_at__lte=at).delete()
        EndpointSecret.objects.create(endpoint=endpoint, secret=text)
        _delete_surplus(endpoint)
        audit.record(
            actor=actor,
            action="new secret" if had_one else "first secret",
            target=endpoint,
            workspace_id=endpoint.workspace_id,
            reason=reason,
        )
    return text


def _delete_surplus(endpoint: Endpoint) -> None:
    secrets = EndpointSecret.objects.filter(endpoint=endpoint).order_by("-pk")
    surplus = list(secrets.values_list("pk", flat=True)[MOST_SECRETS:])
    secrets.filter(pk__in=surplus).delete()


def read_secrets(endpoint_id: int, *, at: datetime) -> Sequence[str]:
    """The secrets that sign now, the newest first, at most MOST_SECRETS."""
    live = EndpointSecret.objects.filter(endpoint_id=endpoint_id).filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at)
    )
    return [each.secret for each in live.order_by("-id")[:MOST_SECRETS]]
