"""Programs of the machine that some tests need. CI installs them (.ci/run); there, a missing one is a failure."""

import os
import shutil
from pathlib import Path

import pytest

from leadswitch.database.fitness import NEWEST, OLDEST
from leadswitch.env import REPOSITORY
from tests.support.monitoring import find_program

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
ALERTMANAGER_TEMPLATES = Path("/usr/share/prometheus/alertmanager/default.tmpl")


def oldest_postgres() -> Path:
    """The programs of the oldest supported PostgreSQL from Debian's packages."""
    versions = sorted(int(path.name) for path in DEBIAN_POSTGRES.glob("*") if path.name.isdigit())
    for version in versions:
        directory = DEBIAN_POSTGRES / str(version) / "bin"
        if OLDEST <= version <= NEWEST and (directory / "initdb").exists():
            return directory
    raise missing("PostgreSQL", package="postgresql")


def pgbouncer() -> str:
    return _program("pgbouncer", name="PgBouncer", package="pgbouncer")


def nginx() -> str:
    return _program("nginx", name="nginx", package="nginx-light")


def jq() -> str:
    return _program("jq", name="jq", package="jq")


def openssl() -> str:
    return _program("openssl", name="OpenSSL", package="openssl")


def node() -> str:
    return _program("node", name="Node", package="nodejs npm, then run ops/install_node.sh")


def node_modules() -> Path:
    """The packages of tests/node/package-lock.json, exactly."""
    installed = REPOSITORY / "var" / "node" / "installed.json"
    locked = REPOSITORY / "tests" / "node" / "package-lock.json"
    if not installed.exists() or installed.read_bytes() != locked.read_bytes():
        raise missing("A package for Node", package="nodejs npm, then run ops/install_node.sh")
    return installed.parent / "node_modules"


def promtool() -> str:
    return _monitoring_program("promtool")


def alertmanager() -> str:
    """Its server. Debian's reads templates from a fixed place, where only root can put them."""
    program = _monitoring_program("alertmanager")
    if Path(program).is_symlink() and not ALERTMANAGER_TEMPLATES.exists():
        raise missing("The Alertmanager's server", package="prometheus-alertmanager")
    return program


def amtool() -> str:
    return _monitoring_program("amtool")


def _monitoring_program(name: str) -> str:
    try:
        return find_program(name)
    except FileNotFoundError as error:
        package = "prometheus prometheus-alertmanager, or run ops/install_prometheus.sh"
        raise missing("Prometheus", package=package) from error


def _program(program: str, *, name: str, package: str) -> str:
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
    found = shutil.which(program, path=search)
    if found is None:
        raise missing(name, package=package)
    return found


def missing(name: str, *, package: str) -> BaseException:
    reason = f"{name} of the machine is not installed. On Debian: apt-get install {package}"
    if os.environ.get("CI") == "true":
        return pytest.fail.Exception(reason)
    return pytest.skip.Exception(reason)
