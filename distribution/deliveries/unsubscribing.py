"""Ends email notices with the link that is in each of them. The link is signed and works without a login."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.core import signing
from django.urls import reverse

from distribution.deliveries.ended_subscriptions import turn_off
from distribution.models import Endpoint, Method, Subscription

SALT: Final = "leadswitch.unsubscribe"
ACTOR: Final = "link in an email"
UNSUBSCRIBED_ACTION: Final = "unsubscribed"


def make_unsubscribe_link(endpoint: Endpoint) -> str:
    token = signing.dumps(str(endpoint.public_id), salt=SALT)
    return f"{settings.LEADSWITCH_BASE_URL}{reverse('unsubscribe', args=[token])}"


def find_by_token(token: str) -> Subscription | None:
    """The subscription of a link; None if the link is not ours. It never ends: an old email must work too."""
    try:
        public_id = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    found = Subscription.objects.defer("headers", "template").filter(public_id=public_id, method=Method.EMAIL)
    return found.first()


def unsubscribe(subscription: Subscription, *, at: datetime) -> None:
    """Works again: what waits since then is canceled too."""
    turn_off(
        subscription,
        actor=ACTOR,
        action=UNSUBSCRIBED_ACTION,
        reason="The link in an email was used.",
        at=at,
    )
