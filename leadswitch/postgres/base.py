"""Django's PostgreSQL connection, which leaves a server that takes no writes."""

from typing import Final

import psycopg
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper

# "on" in recovery too: of a standby, and of a server that was demoted under its clients.
ASK: Final = "SHOW transaction_read_only"


class DatabaseWrapper(DjangoWrapper):
    def is_usable(self) -> bool:
        """Asked at a request's or task's first statement, and after an error outside a transaction.

        A session that was opened on a server before it was demoted would stay there, and a read-only default is taken
        over when a session begins: both are left, and the next statement gets a new connection. While the server takes
        no writes, that one is left again.
        """
        if self.connection is None:
            return False
        try:
            with self.connection.cursor() as cursor:
                return bool(cursor.execute(ASK).fetchone() == ("off",))
        except psycopg.Error:
            return False
