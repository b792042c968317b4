"""The one row that all dispatchers share in PostgreSQL: which of them leads, and whether the product is paused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection

from routing.models import DispatchPath

WRITE_HEARTBEAT: Final = """
INSERT INTO routing_dispatchcontrol AS control (id, leader, epoch, path, seen_at)
VALUES (1, %(leader)s, %(epoch)s, %(path)s, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET leader = excluded.leader, epoch = greatest(control.epoch, excluded.epoch),
    path = excluded.path, seen_at = excluded.seen_at
"""
CLEAR_HEARTBEAT: Final = "UPDATE routing_dispatchcontrol SET seen_at = NULL WHERE id = 1 AND leader = %s"
READ: Final = """
SELECT leader, epoch, path, paused_at, clock_timestamp() - seen_at FROM routing_dispatchcontrol WHERE id = 1
"""
ENSURE: Final = "INSERT INTO routing_dispatchcontrol (id) VALUES (1) ON CONFLICT (id) DO NOTHING"
SET_PAUSED: Final = "UPDATE routing_dispatchcontrol SET paused_at = %s WHERE id = 1"


@dataclass(frozen=True, slots=True)
class Control:
    """The row. `age`: since the leader's last heartbeat; None: there was none, or the leader has resigned."""

    leader: str = ""
    epoch: int = 0
    path: str = ""
    paused_at: datetime | None = None
    age: timedelta | None = None

    @property
    def is_led(self) -> bool:
        """Whether a dispatcher leads, according to PostgreSQL."""
        limit = settings.LEADSWITCH_TAKEOVER.alive_seconds
        return self.age is not None and self.age.total_seconds() < limit


def find_leaders(control: Control, *, holder: str) -> frozenset[str]:
    """Return the names of the dispatchers that lead. `holder`: the one with the lease in Redis; "" if there is none."""
    return frozenset({control.leader if control.is_led else "", holder} - {""})


def read_control() -> Control:
    with connection.cursor() as cursor:
        cursor.execute(READ)
        row = cursor.fetchone()
    return Control(*row) if row else Control()


def write_leader_heartbeat(name: str, *, epoch: int, path: DispatchPath) -> None:
    """Show the pick-up and the operators that a dispatcher leads. Repeat it every few seconds."""
    with connection.cursor() as cursor:
        cursor.execute(WRITE_HEARTBEAT, {"leader": name, "epoch": epoch, "path": path.value})


def clear_leader_heartbeat(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(CLEAR_HEARTBEAT, [name])


def ensure_control() -> None:
    """Create the row if it is missing, so that it can be locked."""
    with connection.cursor() as cursor:
        cursor.execute(ENSURE)


def write_pause(at: datetime | None) -> None:
    """Pause the whole product, or resume it (None). Needs the row's lock."""
    with connection.cursor() as cursor:
        cursor.execute(SET_PAUSED, [at])
