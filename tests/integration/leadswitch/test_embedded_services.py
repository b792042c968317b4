"""The embedded servers on real processes: started once, found again, repaired, independent, stopped."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from leadswitch.embedded import (
    ServerPrograms,
    ServicesError,
    ServiceUrls,
    ensure_named_redis,
    ensure_services,
    service_states,
    stop_named_redis,
    stop_services,
)
from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.processes import leaders, processes_in, wait_until
from leadswitch.env import REPOSITORY
from leadswitch.secretfile import read_or_create_secret
from tests.support.superuser import superuser_url

STOPPED = {"PostgreSQL": "stopped", "Redis": "stopped"}
READY = {"PostgreSQL": "ready", "Redis": "ready"}


@pytest.fixture
def make_var(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Var directories of other checkouts, whose servers are stopped at the end."""
    made: list[Path] = []

    def make(name: str) -> Path:
        made.append(tmp_path / name / "var")
        return made[-1]

    yield make
    for var_dir in made:
        stop_services(var_dir)
        shutil.rmtree(ServicePaths.of(var_dir).socket_dir)


@pytest.fixture
def var_dir(make_var: Callable[[str], Path]) -> Path:
    return make_var("checkout")


def start(var_dir: Path) -> ServiceUrls:
    return ensure_services(var_dir, durable=False)


def server_pids(var_dir: Path) -> dict[str, list[int]]:
    paths = ServicePaths.of(var_dir)
    places = {"postgres": paths.postgres_data, "redis-server": paths.redis_dir}
    return {
        name: [process.pid for process in leaders(processes_in(place, names=[name]))]
        for name, place in places.items()
    }


def write_both(urls: ServiceUrls, text: str) -> None:
    with psycopg.connect(urls.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", [text])
    with redis.Redis.from_url(urls.redis_url) as client:
        client.set("note", text)


def read_notes(urls: ServiceUrls) -> list[str]:
    with psycopg.connect(urls.database_url) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM note ORDER BY text").fetchall()]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(pid), timeout_seconds=60)


def is_alive(pid: int) -> bool:
    """A killed leader is a zombie at once, but its threads keep the socket open until they end too."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


def test_servers_are_configured_found_again_and_stopped(var_dir: Path) -> None:
    urls = start(var_dir)
    pids = server_pids(var_dir)
    write_both(urls, "kept")

    assert start(var_dir) == urls
    assert server_pids(var_dir) == pids
    assert service_states(var_dir) == READY
    with psycopg.connect(urls.database_url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone() for name in ("timezone", "listen_addresses")
        }
        assert shown == {"timezone": ("UTC",), "listen_addresses": ("",)}
        assert connection.info.server_version // 10_000 == 18
    with redis.Redis.from_url(urls.redis_url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}

    assert stop_services(var_dir) == ["PostgreSQL", "Redis"]
    assert service_states(var_dir) == STOPPED
    assert stop_services(var_dir) == []
    assert read_notes(start(var_dir)) == ["kept"]


def test_durability_is_on_unless_turned_off(var_dir: Path) -> None:
    with psycopg.connect(ensure_services(var_dir).database_url) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)


def test_two_processes_that_start_at_once_end_with_one_server(var_dir: Path) -> None:
    environment = {**os.environ, "LEADSWITCH_VAR_DIR": str(var_dir), "LEADSWITCH_EMBEDDED_FSYNC": "false"}
    command = [sys.executable, "-m", "leadswitch.embedded", "start"]
    starters = [subprocess.Popen(command, cwd=REPOSITORY, env=environment) for _ in range(3)]
    assert [starter.wait(timeout=60) for starter in starters] == [0, 0, 0]
    assert {name: len(pids) for name, pids in server_pids(var_dir).items()} == {
        "postgres": 1,
        "redis-server": 1,
    }
    assert service_states(var_dir) == READY


@pytest.mark.parametrize("victim", ["postgres", "redis-server"])
def test_killed_server_is_started_again(var_dir: Path, victim: str) -> None:
    write_both(start(var_dir), "committed")
    before = server_pids(var_dir)
    kill(before[victim][0])

    urls = start(var_dir)

    after = server_pids(var_dir)
    assert {name for name in before if before[name] != after[name]} == {victim}
    assert read_notes(urls) == ["committed"]
    write_both(urls, "works")


def test_removing_var_while_the_servers_run_gives_new_ones(var_dir: Path) -> None:
    write_both(start(var_dir), "gone")
    old = server_pids(var_dir)
    shutil.rmtree(var_dir)
    assert service_states(var_dir) == {"PostgreSQL": "running", "Redis": "running"}

    write_both(start(var_dir), "new")

    assert not any(is_alive(pid) for pids in old.values() for pid in pids)
    assert read_notes(start(var_dir)) == ["new"]


def test_orphans_of_a_removed_var_can_be_stopped(var_dir: Path) -> None:
    start(var_dir)
    shutil.rmtree(var_dir)
    assert stop_services(var_dir) == ["PostgreSQL", "Redis"]
    assert server_pids(var_dir) == {"postgres": [], "redis-server": []}


def test_removed_sockets_are_restored(var_dir: Path) -> None:
    write_both(start(var_dir), "kept")
    shutil.rmtree(ServicePaths.of(var_dir).socket_dir)
    assert read_notes(start(var_dir)) == ["kept"]
    assert {name: len(pids) for name, pids in server_pids(var_dir).items()} == {
        "postgres": 1,
        "redis-server": 1,
    }


def test_pid_file_of_another_process_is_ignored(var_dir: Path) -> None:
    write_both(start(var_dir), "kept")
    pid_file = ServicePaths.of(var_dir).postgres_data / "postmaster.pid"
    text = pid_file.read_text()
    kill(server_pids(var_dir)["postgres"][0])
    pid_file.write_text(text.replace(text.split("\n")[0], str(os.getppid()), 1))
    assert read_notes(start(var_dir)) == ["kept"]


def test_two_checkouts_do_not_share_anything(make_var: Callable[[str], Path]) -> None:
    one, two = make_var("one"), make_var("a-rather-long-directory-name-" + "x" * 150)
    write_both(start(one), "one")
    write_both(start(two), "two")
    assert (read_notes(start(one)), read_notes(start(two))) == (["one"], ["two"])
    stop_services(one)
    assert service_states(two) == READY


def run_id(url: str) -> str:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return str(client.info("server")["run_id"])


@pytest.mark.parametrize("is_removed", [False, True], ids=["var is there", "var was removed"])
def test_named_redis_is_separate_and_stopped_with_the_others(var_dir: Path, *, is_removed: bool) -> None:
    own = ensure_services(var_dir, database_url="postgres://u@db.example.com/leads").redis_url
    one, two = (ensure_named_redis(var_dir, name=name) for name in ("gw0", "gw1"))
    ids = [run_id(url) for url in (own, one, two)]
    assert len(set(ids)) == 3

    assert ensure_named_redis(var_dir, name="gw0") == one
    assert run_id(one) == ids[1]
    if is_removed:
        shutil.rmtree(var_dir)
    assert stop_services(var_dir) == ["Redis", "Redis gw0", "Redis gw1"]
    assert stop_services(var_dir) == []


def test_stopping_the_named_ones_leaves_the_checkouts_servers(make_var: Callable[[str], Path]) -> None:
    one, two = make_var("one"), make_var("two")
    own = ensure_services(one, database_url="postgres://u@db.example.com/leads").redis_url
    before = run_id(own)
    ensure_named_redis(one, name="gw0")
    other = ensure_named_redis(two, name="gw0")

    assert stop_named_redis(one) == ["gw0"]

    assert run_id(own) == before
    assert run_id(other)
    assert stop_named_redis(one) == []


def test_checkout_copied_with_running_servers_gets_its_own(
    make_var: Callable[[str], Path],
) -> None:
    original, copy = make_var("original"), make_var("copy")
    write_both(start(original), "first")
    before = server_pids(original)
    subprocess.run(["cp", "-a", str(original.parent), str(copy.parent)], check=True)  # noqa: S607

    write_both(start(copy), "second")

    assert server_pids(original) == before
    assert read_notes(start(original)) == ["first"]


def test_nothing_is_started_with_both_urls_set(var_dir: Path) -> None:
    given = ServiceUrls(database_url="postgres://u@db.example.com/leads", redis_url="redis://h/0")
    assert ensure_services(var_dir, database_url=given.database_url, redis_url=given.redis_url) == given
    assert not var_dir.exists()
    assert service_states(var_dir) == STOPPED


def test_with_one_url_set_only_the_other_server_is_started(var_dir: Path) -> None:
    urls = ensure_services(var_dir, database_url="postgres://u@db.example.com/leads")
    assert urls.database_url == "postgres://u@db.example.com/leads"
    assert service_states(var_dir) == {"PostgreSQL": "stopped", "Redis": "ready"}


def test_role_of_the_product_is_not_a_superuser(var_dir: Path) -> None:
    with psycopg.connect(start(var_dir).database_url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = user"
        ).fetchone()
        assert row == (False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET session_replication_role = replica")


def test_role_of_an_earlier_version_becomes_a_plain_one(var_dir: Path) -> None:
    """The product used its first role, which is always a superuser."""
    write_both(start(var_dir), "before")
    with psycopg.connect(superuser_url(ServicePaths.of(var_dir)), autocommit=True) as server:
        for statement in (
            "ALTER TABLE note OWNER TO postgres",
            "ALTER DATABASE leadswitch OWNER TO postgres",
            "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE TABLE numbered (id bigint GENERATED BY DEFAULT AS IDENTITY)",
            "DROP ROLE leadswitch",
            "CREATE ROLE other SUPERUSER LOGIN",
        ):
            server.execute(statement)
    url = superuser_url(ServicePaths.of(var_dir)).replace("postgres@", "other@", 1)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("ALTER ROLE postgres RENAME TO leadswitch")
    stop_services(var_dir)

    write_both(start(var_dir), "after")

    assert read_notes(start(var_dir)) == ["after", "before"]
    with psycopg.connect(start(var_dir).database_url) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = user").fetchone() == (False,)
        connection.execute("ALTER TABLE numbered ADD x int")
        connection.execute("DROP FUNCTION one()")


def test_files_are_closed_to_others(var_dir: Path) -> None:
    start(var_dir)
    read_or_create_secret(var_dir / "secret.txt")
    open_to_others = [
        path
        for path in (var_dir, *var_dir.rglob("*"))
        if not path.is_symlink() and path.stat().st_mode & 0o066
    ]
    assert not open_to_others


def test_servers_of_the_machine_can_be_named(var_dir: Path, tmp_path: Path) -> None:
    """Servers are found by name, so the program must be called valkey-server."""
    valkey = tmp_path / "valkey-server"
    shutil.copy(Path(sys.prefix) / "bin" / "redis-server", valkey)
    ensure_services(
        var_dir, database_url="postgres://u@db.example.com/leads", programs=ServerPrograms(redis=str(valkey))
    )
    assert service_states(var_dir)["Redis"] == "ready"
    assert [
        process.name()
        for process in processes_in(ServicePaths.of(var_dir).redis_dir, names=["valkey-server"])
    ] == ["valkey-server"]
    assert stop_services(var_dir) == ["Redis"]


def test_missing_redis_is_explained(var_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServicesError, match=r"apt-get install redis-server.*REDIS_URL"):
        ensure_services(var_dir, database_url="postgres://u@db.example.com/leads")
