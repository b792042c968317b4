"""A process refuses to start on a database on which the product would silently run badly."""

import logging
from dataclasses import replace

import pytest
from django.conf import settings
from django.db import connection

from leadswitch.database.connections import read_connection_budget, warn_if_crowded
from leadswitch.database.fitness import DatabaseUnfit, Session, check_database, judge, read_session
from leadswitch.database.limits import session_limits
from leadswitch.embedded.paths import ServicePaths
from tests.conftest import ROLE_OF_TESTS, VAR_DIR
from tests.support.commands import PLAIN, SERVERS, run
from tests.support.superuser import superuser_url


@pytest.fixture
def session(db: None) -> Session:  # noqa: ARG001
    return read_session(session_limits(ROLE_OF_TESTS))


@pytest.mark.parametrize("server", SERVERS)
def test_superuser_is_refused_in_one_line(server: str) -> None:
    code, lines = run(*SERVERS[server], DATABASE_URL=superuser_url(ServicePaths.of(VAR_DIR)))
    assert code == 2
    assert len([line for line in lines if line.startswith("The database role postgres is a superuser")]) == 1
    assert "Traceback" not in "".join(lines)


def test_missing_limits_of_the_url_are_reported() -> None:
    """`options` in the URL replace those of the product."""
    code, [line] = run(*SERVERS["dispatcher"], DATABASE_URL=f"{PLAIN}?options=-c%20jit%3Doff")
    assert code == 2
    assert line.startswith(
        "Sessions of leadswitch do not have the limits of a web process: lock_timeout is 0 instead of 2000;"
    )
    assert "remove `options` from DATABASE_URL" in line


@pytest.mark.django_db
def test_session_of_the_product_is_accepted() -> None:
    check_database()


@pytest.mark.parametrize(("version", "is_fit"), [(14, False), (15, True), (18, True), (19, False)])
def test_supported_versions_are_15_to_18(session: Session, version: int, is_fit: bool) -> None:  # noqa: FBT001
    if is_fit:
        judge(replace(session, version=version))
        return
    with pytest.raises(DatabaseUnfit, match=f"PostgreSQL {version} is not supported: .* PostgreSQL 15 to 18"):
        judge(replace(session, version=version))


def test_superuser_may_be_allowed(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    root = replace(session, is_superuser=True)
    with pytest.raises(DatabaseUnfit, match="LEADSWITCH_ALLOW_SUPERUSER"):
        judge(root)
    monkeypatch.setattr(settings, "LEADSWITCH_ALLOW_SUPERUSER", True)
    judge(root)


@pytest.mark.usefixtures("committed_db")
def test_connections_are_counted_against_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        total = int(cursor.fetchone()[0])
    budget = read_connection_budget(processes=2, threads=4)
    assert budget.needed == 2 * (4 * len(settings.DATABASES) + 1)
    assert budget.limit == total - 3  # superuser_reserved_connections
    with caplog.at_level(logging.WARNING):
        warn_if_crowded(processes=2, threads=4)
        assert not caplog.records
        warn_if_crowded(processes=total, threads=4)
    [record] = caplog.records
    assert record.getMessage() == "database.too_few_connections: raise max_connections"
    assert record.__dict__["needed"] == total * (4 * len(settings.DATABASES) + 1)
