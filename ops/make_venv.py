"""Create .venv with the pinned requirements unless it is current. Standard library only.

A stamp, written last, names what the environment was made from. If it does not match (first run, an interrupted run,
changed requirements, another Python, a moved checkout) .venv is rebuilt. A lock lets only one process do it.
"""

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import redis_server

REPOSITORY = Path(__file__).resolve().parent.parent
VENV = REPOSITORY / ".venv"
STAMP = VENV / "made-from"
REQUIREMENTS = REPOSITORY / "requirements-dev.txt"
OLDEST, NEWEST = (3, 11), (3, 14)


def main():
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            f"LeadSwitch needs Python 3.11 to 3.14; {sys.executable} is {platform.python_version()}."
            " Name another one: make PYTHON=python3.12 ..."
        )
    wanted = describe()
    if is_current(wanted):
        return
    with (REPOSITORY / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current(wanted):  # another make may have just made it
            make(wanted)


def describe():
    parts = [
        REQUIREMENTS.read_bytes(),
        redis_server.PIN.read_bytes(),
        platform.python_version().encode(),
        os.fsencode(VENV),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_current(wanted):
    return STAMP.exists() and STAMP.read_text() == wanted and (VENV / "bin" / "python").exists()


def make(wanted):
    print("Creating .venv and installing the requirements (once; about a minute)", flush=True)  # noqa: T201
    stop_servers()
    shutil.rmtree(VENV, ignore_errors=True)
    pip = make_empty()
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
    run([*pip, "install", *options, "--requirement", str(REQUIREMENTS)])
    redis_server.provide(pip, VENV / "bin")
    STAMP.write_text(wanted)


def stop_servers():
    """Stop servers that run from the files of the environment, which are about to be removed."""
    python = VENV / "bin" / "python"
    if python.exists():
        command = [str(python), "-m", "leadswitch.embedded", "stop"]
        subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)


def make_empty():
    """Create the environment. Returns the command that is its pip: Debian ships venv's pip in another package."""
    python = str(VENV / "bin" / "python")
    if importlib.util.find_spec("ensurepip") is not None:
        run([sys.executable, "-m", "venv", str(VENV)])
        return [python, "-m", "pip"]
    if importlib.util.find_spec("pip") is not None:
        run([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
        return [sys.executable, "-m", "pip", "--python", python]
    sys.exit(
        f"{sys.executable} can create no virtual environment: it has neither ensurepip nor pip."
        " On Debian and Ubuntu: apt-get install python3-venv"
    )


def run(command):
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(f"failed ({status}): {' '.join(command)}")


if __name__ == "__main__":
    main()
