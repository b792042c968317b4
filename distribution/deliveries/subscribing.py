"""Subscriptions that buyers and sources make with their API keys. Operators use the admin."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from distribution.deliveries.checking import describe_refusal
from distribution.deliveries.client import get_client
from distribution.deliveries.outbound import RefusedURL
from distribution.deliveries.payloads.catalog import Audience, kinds_for
from distribution.deliveries.secrets import make_secret
from distribution.models import Buyer, Method, Subscription
from routing.models import Source
from tracing import audit

Owner = Buyer | Source
MOST: Final = 20
MAX_NAME: Final = 100
MAX_URL: Final = 2_000
KNOWN: Final = ("name", "url", "events")


class SubscriptionRefused(ValueError):
    """Nothing was stored. `field`: the wrong field of the body, or "" if there are too many subscriptions."""

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


def audience_of_owner(owner: Owner) -> Audience:
    return "buyer" if isinstance(owner, Buyer) else "source"


def list_subscriptions(owner: Owner) -> QuerySet[Subscription]:
    """Those that are not ended, the newest first. Headers and templates are not decrypted."""
    mine = Subscription.objects.filter(**{audience_of_owner(owner): owner}, active=True)
    return mine.filter(method=Method.WEBHOOK).defer("headers", "template").order_by("-pk")


def find_subscription(public_id: UUID, *, owner: Owner) -> Subscription | None:
    return list_subscriptions(owner).filter(public_id=public_id).first()


def subscribe(body: Mapping[str, Any], *, owner: Owner, actor: str, at: datetime) -> tuple[Subscription, str]:
    """Store a webhook and its secret, which is returned and shown once. Raises SubscriptionRefused."""
    url, events = _read_url(body), _read_events(body, audience=audience_of_owner(owner))
    name = _read_text(body, "name", longest=MAX_NAME)
    with transaction.atomic():
        type(owner)._default_manager.select_for_update(no_key=True).get(pk=owner.pk)
        _refuse_more(owner, name)
        made = Subscription.objects.create(
            **{audience_of_owner(owner): owner},
            workspace_id=owner.workspace_id,
            name=name,
            url=url,
            events=events,
        )
        audit.record(actor=actor, action="added", target=made, workspace_id=owner.workspace_id, reason="API")
        secret = make_secret(made, at=at, actor=actor)
    return made, secret


def _refuse_more(owner: Owner, name: str) -> None:
    """Needs the owner's lock. The name of a buyer's endpoint is unique, also of one that is off."""
    if list_subscriptions(owner).count() >= MOST:
        raise SubscriptionRefused("too_many", f"There are {MOST} subscriptions. End one of them first.")
    if owner.endpoints.filter(name=name).exists():
        raise SubscriptionRefused("taken", "is the name of another endpoint: choose another", field="name")


def _read_text(body: Mapping[str, Any], name: str, *, longest: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise SubscriptionRefused("required", "must be a text on one line", field=name)
    if len(value) > longest:
        raise SubscriptionRefused("too_long", f"must have at most {longest} characters", field=name)
    return value.strip()


def _read_url(body: Mapping[str, Any]) -> str:
    url = _read_text(body, "url", longest=MAX_URL)
    try:
        get_client().check_url(url)
    except RefusedURL as refused:
        raise SubscriptionRefused("refused", describe_refusal(refused), field="url") from None
    return url


def _read_events(body: Mapping[str, Any], *, audience: Audience) -> Sequence[str]:
    known, value = kinds_for(audience), body.get("events")
    if not isinstance(value, list) or not value or not all(each in known for each in value):
        message = f"must be a list of at least one of {', '.join(known)}"
        raise SubscriptionRefused("unknown", message, field="events")
    return [kind for kind in known if kind in value]
