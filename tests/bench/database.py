"""The separate database of the bench: created, migrated by the first worker, dropped afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from routing.locks.owned_lock import ReconcilerBusy, owned_lock

SUFFIX: Final = "_bench"
LOCK: Final = "bench"
# Tests copy a database that is migrated already.
TEMPLATE = "template1"


class BenchBusy(Exception):
    """Another bench is using the database."""


@contextmanager
def bench_database(*, keep: bool) -> Iterator[str]:
    """Yield the URL of an empty database on the live server. It does not read or write the live database.

    Raises BenchBusy: two benches would drop each other's database and distort each other's measurements.
    """
    url = urlsplit(settings.SERVICES.database_url)
    name = f"{url.path.lstrip('/')}{SUFFIX}"
    with _alone():
        _drop(name)
        create_database(name)
        try:
            yield url._replace(path=f"/{name}").geturl()
        finally:
            if not keep:
                _drop(name)


@contextmanager
def _alone() -> Iterator[None]:
    try:
        with owned_lock(LOCK):
            yield
    except ReconcilerBusy:
        raise BenchBusy("another bench is running on this server") from None


def create_database(name: str) -> None:
    quote = connection.ops.quote_name
    _run(f"CREATE DATABASE {quote(name)} TEMPLATE {quote(TEMPLATE)}")


def _drop(name: str) -> None:
    _run(f"DROP DATABASE IF EXISTS {connection.ops.quote_name(name)} WITH (FORCE)")


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def server_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])
