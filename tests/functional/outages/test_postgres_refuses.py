"""A PostgreSQL that answers but refuses writes: 503, not ready, and normal again with the next request after it."""

import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import Client

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment
from leadswitch.embedded import postgres
from leadswitch.embedded.paths import ServicePaths, make_directories
from routing import postgres_errors
from routing.dispatch.control import write_leader_heartbeat
from routing.models import DispatchPath, Lead
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll, issue_key
from tests.support.processes import pipe, started
from tests.support.schema import changed
from tests.support.served import served
from tests.support.servers import read_only

pytestmark = pytest.mark.usefixtures("committed_db")

LEADS = "/api/v1/leads/"
VALID = {"zip": "30312", "email": "ada@example.com"}


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    postgres_errors.REFUSED_WRITES.reset()


@pytest.fixture
def client() -> Client:
    key = issue_key(SourceFactory())
    return Client(headers={"Authorization": f"Api-Key {key}"}, raise_request_exception=False)


def post(client: Client, **headers: str) -> Any:
    return client.post(LEADS, VALID, content_type="application/json", headers=headers)


def refusing_leads(errcode: str) -> AbstractContextManager[None]:
    sql = (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{errcode}'; END$$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON routing_lead FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    return changed(sql, back="DROP FUNCTION refuse CASCADE")


def ask(address: str, path: str, *, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
    """Status, headers and body of a response."""
    own = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    try:
        data = None if body is None else json.dumps(body)
        kind = {"Content-Type": "application/json"} if data else {}
        own.request("POST" if data else "GET", path, data, {**kind, **headers})
        answer = own.getresponse()
        return answer.status, answer.headers, json.load(answer)
    finally:
        own.close()


def test_read_only_is_503_and_the_next_request_after_it_works() -> None:
    """With real processes: the server keeps its connections between requests."""
    key = {"Authorization": f"Api-Key {issue_key(SourceFactory())}"}
    with served() as address:
        assert ask(address, LEADS, body=VALID, **key)[0] == 201
        with read_only():
            for headers in ({}, {}, {"Idempotency-Key": "k1"}, {"Prefer": "wait=5"}):
                status, answered, body = ask(address, LEADS, body=VALID, **key, **headers)
                assert (status, answered["Retry-After"]) == (503, "1")
                assert body["error"]["code"] == "unavailable"
            assert (ask(address, "/readyz")[0], ask(address, "/readyz")[2]["database"]) == (503, "read-only")
        assert ask(address, LEADS, body=VALID, **key)[0] == 201
        assert ask(address, LEADS, body=VALID, **key, Prefer="wait=5")[0] == 201
    connection.close()  # it was ended, too
    assert Lead.objects.count() == 3


def test_every_alias_drops_sessions_from_before() -> None:
    """A session takes over a read-only default when it begins, and keeps it after the outage."""
    for alias in ("default", "verdict"):
        with read_only():
            one = connections[alias]
            one.close()
            one.ensure_connection()
        assert not one.is_usable()
        one.errors_occurred = True  # as after any failed statement
        one.close_if_unusable_or_obsolete()
        assert one.connection is None
        one.ensure_connection()
        assert one.is_usable()


def test_attempt_during_it_does_not_count_as_failed() -> None:
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000)
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    for refuse in (read_only, lambda: refusing_sales("53100"), lambda: refusing_sales("58030")):
        with refuse(), pytest.raises(Exception) as failed:  # noqa: PT011 - which class it is differs, what it means does not
            distribute_lead(lead.pk)
        assert postgres_errors.is_outage(failed.value)
        connections.close_all()
        lead.refresh_from_db()
        assert (lead.status, lead.attempts, lead.errors, lead.conflicts) == ("pending", 0, 0, 0)
    assert distribute_lead(lead.pk).result == "success"
    assert Assignment.objects.count() == 1


def refusing_sales(errcode: str) -> AbstractContextManager[None]:
    sql = (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{errcode}'; END$$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON distribution_assignment FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    return changed(sql, back="DROP FUNCTION refuse CASCADE")


@pytest.mark.parametrize("errcode", ["53100", "58030", "53300", "57P03"])
def test_refused_write_is_503_and_unready(client: Client, errcode: str) -> None:
    with refusing_leads(errcode):
        answer = post(client)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    ready = client.get("/readyz")
    is_write_refused = errcode in ("53100", "58030")
    assert (ready.status_code, ready.json()["database"]) == (
        (503, "refuses writes") if is_write_refused else (200, "ok")
    )
    postgres_errors.REFUSED_WRITES.reset()
    assert client.get("/readyz").status_code == 200
    assert post(client).status_code == 201


def test_dispatcher_leaves_a_read_only_session() -> None:
    with read_only():
        connection.close()
        with pytest.raises(Exception, match="read-only"):
            write_leader_heartbeat("one", epoch=1, path=DispatchPath.REDIS)
    connection.close_if_unusable_or_obsolete()
    write_leader_heartbeat("one", epoch=1, path=DispatchPath.REDIS)


@contextmanager
def small_disk(directory: Path) -> Iterator[None]:
    """A file system that a database fills soon. Raises CalledProcessError if it cannot be mounted."""
    directory.mkdir()
    options = ["-t", "tmpfs", "-o", "size=80m", "leadswitch-test", str(directory)]
    subprocess.run([find("mount"), *options], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run([find("umount"), "--lazy", str(directory)], check=True)


def find(program: str) -> str:
    path = shutil.which(program)
    assert path is not None
    return path


PROBE: Final = """
import sys
import django
django.setup()
from leadswitch.probes import probe_database
for _ in sys.stdin:
    print(probe_database(), flush=True)
"""


def read_probe(process: "subprocess.Popen[str]") -> str:
    pipe(process.stdin).write("go on\n")
    pipe(process.stdin).flush()
    return pipe(process.stdout).readline().strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_full_disk_makes_it_unready_before_a_lead_is_refused(tmp_path: Path) -> None:
    """The probe writes where the tables are: room for a row in a table with free pages is not enough."""
    with small_disk(tmp_path / "var"):
        paths = ServicePaths.of(tmp_path / "var")
        make_directories(paths)
        postgres.start(paths, durable=False)
        try:
            url = postgres.database_url(paths)
            with (
                started("-c", PROBE, DATABASE_URL=url) as process,
                psycopg.connect(url, autocommit=True) as session,
            ):
                assert read_probe(process) == "ok"
                fill(session)
                assert read_probe(process) == "disk full"
                session.execute("DROP TABLE filler")
                assert read_probe(process) == "ok"
        finally:
            postgres.stop(paths)


def fill(session: "psycopg.Connection[Any]") -> None:
    """Until no more data fits."""
    session.execute("CREATE UNLOGGED TABLE filler (text text)")
    rows = 4_096
    while rows:
        try:
            session.execute(
                "INSERT INTO filler SELECT repeat(md5(n::text), 20) FROM generate_series(1, %s) n", [rows]
            )
        except psycopg.errors.DiskFull:
            rows //= 2


def test_import_stops_and_blames_no_row(tmp_path: Path) -> None:
    """Its rows are valid: none of them may appear among the refused ones."""
    source = SourceFactory(default_vertical="roofing")
    file = tmp_path / "leads.csv"
    file.write_text("Email,Zip\nada@example.com,30312\nbob@example.com,30312\n")
    options: dict[str, Any] = {"source": source.name, "maps": ["Email=email", "Zip=zip"]}
    with read_only():
        connection.close()
        with pytest.raises(CommandError, match="interrupted"):
            call_command("import_leads", str(file), **options, stdout=StringIO())
    connection.close()
    assert not list(tmp_path.glob("*rejects*"))
    call_command("import_leads", str(file), **options, stdout=StringIO())
    assert Lead.objects.count() == 2
