"""Which deliverers are alive: each writes a heartbeat to PostgreSQL, without which it could do nothing anyway."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from distribution.models import Deliverer

FORGOTTEN: Final = timedelta(days=1)
# A deliverer writes its heartbeat every 5 seconds, and a turn may wait for PostgreSQL.
ALIVE_SECONDS: Final = 30
IS_MISSING: Final = """
SELECT EXISTS (SELECT FROM distribution_endpoint WHERE active AND disabled_at IS NULL) AND NOT EXISTS (
    SELECT FROM distribution_deliverer
    WHERE seen_at > statement_timestamp() - make_interval(secs => %s)
)
"""


def write_deliverer_heartbeat(name: str, *, at: datetime) -> None:
    Deliverer.objects.update_or_create(name=name, defaults={"seen_at": at})
    Deliverer.objects.filter(seen_at__lt=at - FORGOTTEN).delete()


def is_deliverer_missing() -> bool:
    """Whether no deliverer is alive although an endpoint is on: its messages wait. Without one, none is needed."""
    with connection.cursor() as cursor:
        cursor.execute(IS_MISSING, [ALIVE_SECONDS])
        return bool(cursor.fetchone()[0])


def forget_deliverer(name: str) -> None:
    Deliverer.objects.filter(name=name).delete()
