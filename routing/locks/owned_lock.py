"""The lock of a reconciler: one run of a name at a time, over all processes and machines.

It lives in a transaction on a connection of its own, so a killed run leaves nothing behind and no time to live has to
be guessed. A lock of the transaction, not of the session, also holds behind a pooler. The run ends the transaction
before it closes the connection: the server releases the locks of a closed connection only when it notices.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from typing import Final

from django.db import InterfaceError, OperationalError, connection

# This connection is idle for the whole run. As its last statement this one also ends the snapshot of the one before,
# which would hold back vacuum.
KEEP_OPEN: Final = "SET LOCAL idle_in_transaction_session_timeout = 0"
TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(%s)"


class ReconcilerBusy(Exception):
    """A run of this name is in progress."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is running already")
        self.name = name


@contextmanager
def owned_lock(name: str) -> Iterator[None]:
    """Own the name during the block. Raises ReconcilerBusy at once if another process owns it."""
    with closing(connection.copy()) as own:
        own.set_autocommit(False)
        try:
            with own.cursor() as cursor:
                cursor.execute(TRY_LOCK, [lock_key(name)])
                if not cursor.fetchone()[0]:
                    raise ReconcilerBusy(name)
                cursor.execute(KEEP_OPEN)
            yield
        finally:
            with suppress(OperationalError, InterfaceError):  # a lost connection holds no lock
                own.rollback()


def lock_key(name: str) -> int:
    """The same in every process: Python's own hash() is not."""
    return int.from_bytes(sha256(f"reconcile {name}".encode()).digest()[:8], signed=True)
