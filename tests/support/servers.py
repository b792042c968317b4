"""A real PostgreSQL server that refuses writes."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from tests.support.schema import execute_beside

END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@contextmanager
def read_only() -> Iterator[None]:
    """Applies to every session of this database, as after a demotion. Earlier sessions are ended."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    execute_beside(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    execute_beside(END_OTHERS)
    try:
        yield
    finally:
        back = f"BEGIN; SET TRANSACTION READ WRITE; ALTER DATABASE {name} RESET default_transaction_read_only; COMMIT"
        execute_beside(back)
