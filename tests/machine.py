"""Programs of the machine that some tests need. In CI they are installed (.ci/run), and their absence is a failure."""

import os
import shutil
from pathlib import Path

import pytest

from leadswitch.database.fitness import NEWEST, OLDEST

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")


def oldest_postgres() -> Path:
    """The programs of the oldest supported PostgreSQL that Debian's packages have put here."""
    versions = sorted(int(path.name) for path in DEBIAN_POSTGRES.glob("*") if path.name.isdigit())
    for version in versions:
        directory = DEBIAN_POSTGRES / str(version) / "bin"
        if OLDEST <= version <= NEWEST and (directory / "initdb").exists():
            return directory
    raise missing("PostgreSQL", package="postgresql")


def pgbouncer() -> str:
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    found = shutil.which("pgbouncer", path=search)
    if found is None:
        raise missing("PgBouncer", package="pgbouncer")
    return found


def missing(name: str, *, package: str) -> BaseException:
    reason = f"{name} of the machine is not installed. On Debian: apt-get install {package}"
    if os.environ.get("CI") == "true":
        return pytest.fail.Exception(reason)
    return pytest.skip.Exception(reason)
