"""PostgreSQL refuses to run as root: the command prefix and the file owner that let root start it anyway.

The server runs as `nobody`. It keeps one capability, that of passing directories it may not read, because a
checkout or a virtual environment may live under a home directory that is closed to others.
`no_setuid_fixup` keeps that capability effective in access(2), which PostgreSQL calls to find its own files.
"""

import os
import pwd
import shutil
import stat
from pathlib import Path

from leadswitch.embedded.paths import ServicesError

SERVER_USER = "nobody"
# Capability numbers of linux/capability.h. Containers usually grant the second one only.
PATH_CAPABILITIES = (("dac_read_search", 2), ("dac_override", 1))
CAP_SETPCAP = 8


def is_root() -> bool:
    return os.geteuid() == 0


def unprivileged_prefix() -> list[str]:
    """Return the prefix that runs a command as the server user. Empty for an ordinary user."""
    if not is_root():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServicesError("setpriv (package util-linux) is needed to run PostgreSQL when started as root")
    owner = _server_user()
    switch = [setpriv, f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
    return switch + _keep_path_capability()


def give_to_server(path: Path) -> None:
    """Make the server user the owner of `path`. No change for an ordinary user."""
    if is_root():
        owner = _server_user()
        os.chown(path, owner.pw_uid, owner.pw_gid)


def let_server_pass(directory: Path) -> None:
    """Without the capability, let the server pass through the directory. Grants nothing else."""
    if is_root() and not _keep_path_capability():
        directory.chmod(stat.S_IMODE(directory.stat().st_mode) | 0o011)


def _server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError as error:
        raise ServicesError(f"there is no user {SERVER_USER!r} for PostgreSQL to run as") from error


def _keep_path_capability() -> list[str]:
    held = _effective_capabilities()
    for name, number in PATH_CAPABILITIES:
        if held >> number & 1 and held >> CAP_SETPCAP & 1:
            return ["--securebits=+no_setuid_fixup", f"--inh-caps=+{name}", f"--ambient-caps=+{name}"]
    return []


def _effective_capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0
