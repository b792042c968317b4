"""Which dialers are alive: each writes a heartbeat to PostgreSQL, without which it could do nothing anyway."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from distribution.models import Dialer

FORGOTTEN: Final = timedelta(days=1)
# A dialer writes its heartbeat every 5 seconds, and a turn may wait for PostgreSQL.
ALIVE_SECONDS: Final = 30
# Calls that are out need one too: nobody else applies what the carrier reports within seconds.
IS_MISSING: Final = """
SELECT (
    EXISTS (SELECT FROM distribution_channel WHERE is_enabled)
    OR EXISTS (SELECT FROM distribution_call WHERE ended_at IS NULL)
) AND NOT EXISTS (
    SELECT FROM distribution_dialer WHERE seen_at > statement_timestamp() - make_interval(secs => %s)
)
"""


def write_dialer_heartbeat(name: str, *, at: datetime, has_address: bool = True) -> None:
    """`has_address`: whether LEADSWITCH_BASE_URL is set for this dialer."""
    Dialer.objects.update_or_create(name=name, defaults={"seen_at": at, "has_address": has_address})
    Dialer.objects.filter(seen_at__lt=at - FORGOTTEN).delete()


def is_dialer_missing() -> bool:
    """Whether no dialer is alive although a channel is enabled. Without a channel, none is needed."""
    with connection.cursor() as cursor:
        cursor.execute(IS_MISSING, [ALIVE_SECONDS])
        return bool(cursor.fetchone()[0])


def forget_dialer(name: str) -> None:
    Dialer.objects.filter(name=name).delete()
