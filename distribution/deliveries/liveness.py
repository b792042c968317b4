"""Which deliverers are alive: each writes a heartbeat to PostgreSQL, without which it could do nothing anyway."""

from datetime import datetime, timedelta
from typing import Final

from distribution.models import Deliverer

ALIVE: Final = timedelta(seconds=20)
FORGOTTEN: Final = timedelta(days=1)


def write_deliverer_heartbeat(name: str, *, at: datetime) -> None:
    Deliverer.objects.update_or_create(name=name, defaults={"seen_at": at})
    Deliverer.objects.filter(seen_at__lt=at - FORGOTTEN).delete()


def forget_deliverer(name: str) -> None:
    Deliverer.objects.filter(name=name).delete()


def count_alive_deliverers(*, at: datetime) -> int:
    return Deliverer.objects.filter(seen_at__gte=at - ALIVE).count()
