"""Hears the notifications of PostgreSQL, as a dialer does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile

from psycopg import Notify, sql

from distribution.deliveries.listening import open_connection
from distribution.models import CALLS_CHANNEL

# A notification is sent at the commit. Silence is only believed after another one has arrived.
LAST = "SELECT pg_notify(%s, 'last')"


def _is_not_last(notified: Notify) -> bool:
    return notified.payload != "last"


@contextmanager
def listening(channel: str = CALLS_CHANNEL) -> Iterator[Callable[[], int]]:
    """Yields a function: how many notifications were committed since it was last asked."""
    with open_connection() as listener, open_connection() as sender:
        listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))

        def count() -> int:
            sender.execute(LAST, [channel])
            heard = [each.payload for each in takewhile(_is_not_last, listener.notifies(timeout=10))]
            return len(heard)

        yield count
