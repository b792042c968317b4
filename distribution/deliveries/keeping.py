"""How long requests and answers are kept: their bodies are personal data, and nobody needs them after 30 days."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from distribution.models import DeliveryTry

KEPT: Final = timedelta(days=30)


def drop_old_bodies(*, at: datetime, limit: int) -> int:
    """Remove the bodies of at most `limit` tries. Heads, outcomes and times stay. Returns how many."""
    old = DeliveryTry.objects.filter(~Q(request_body="", answer_body=""), started_at__lt=at - KEPT)
    ids = list(old.order_by("started_at").values_list("pk", flat=True)[:limit])
    return DeliveryTry.objects.filter(pk__in=ids).update(request_body="", answer_body="")
