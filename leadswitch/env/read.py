"""Reads the process environment and the .env file. Every mistake is an error that names the variable and the fix."""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Final

import environ

from leadswitch.env.data import ENV_FILE, Locations, Places
from leadswitch.env.mail import check_mail
from leadswitch.env.parse import REPOSITORY, BadEnvironment
from leadswitch.env.payments import check_payments
from leadswitch.env.registry import NAMES, OWN_NAMES, OWN_PREFIX, RENAMED, VARIABLES, Environment
from leadswitch.env.together import check_together

# A variable, or a comment, as django-environ reads them.
LINE: Final = re.compile(r"(?:export )?[A-Za-z_0-9]+=|#")


def read_environment(source: Mapping[str, str] | None = None) -> Environment:
    """Read every variable. Raises BadEnvironment; creates the embedded secrets when they are missing."""
    environment = Environment(_load(source))
    for variable in VARIABLES:
        getattr(environment, variable.field)
    check_together(environment)
    check_mail(environment)
    check_payments(environment)
    return environment


def read_locations(source: Mapping[str, str] | None = None) -> Locations:
    """Only where the data is: what the command that starts and stops the servers needs."""
    return Places(_load(source)).locations


def read_worker_metrics(source: Mapping[str, str] | None = None) -> tuple[Path, int]:
    """The var directory and the worker's port: needed before the settings are loaded."""
    environment = Environment(_load(source))
    return environment.var_dir, environment.worker_metrics_port


def _load(source: Mapping[str, str] | None) -> dict[str, str]:
    """Merge the .env file and the process environment, which takes precedence, and check the names of our variables."""
    process = dict(os.environ if source is None else source)
    file = _read_file(process)
    # In the file, every name is ours. In the process, a lower-case `debug` may belong to another program.
    for name in sorted(file):
        if name not in NAMES and name.upper() in NAMES:
            raise BadEnvironment(name, "no such variable", f"Did you mean {name.upper()}?")
    texts = {**file, **process}
    for name in sorted(texts):
        if name in RENAMED:
            raise BadEnvironment(name, "has a new name", f"Set {RENAMED[name]} instead")
        if name.upper().startswith(OWN_PREFIX) and name not in OWN_NAMES:
            raise BadEnvironment(name, "no such variable", _suggest(name))
    return texts


def _read_file(process: Mapping[str, str]) -> dict[str, str]:
    """Read the variables of the .env file. LEADSWITCH_ENV_FILE names another file; if it is empty, none is read."""
    named = process.get(ENV_FILE)
    path = REPOSITORY / ".env" if named is None else Path(named)
    if named == "" or (named is None and not path.exists()):
        return {}
    if not path.is_file():
        raise BadEnvironment(ENV_FILE, f"{named!r} is not a file", "Name an existing file")

    text = _read_text(path)
    _check_lines(path, text)

    class FileEnv(environ.Env):  # type: ignore[misc]  # the library is untyped
        ENVIRON: dict[str, str] = {}

    FileEnv.read_env(StringIO(text))
    return FileEnv.ENVIRON


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadEnvironment(ENV_FILE, f"{str(path)!r} is not a text file", "Save it as UTF-8") from None
    except OSError as error:
        problem = f"{str(path)!r} cannot be read ({error.strerror})"
        raise BadEnvironment(ENV_FILE, problem, "Check its permissions") from None


def _check_lines(path: Path, text: str) -> None:
    """Refuse a line that the library cannot read: it would skip the line and log it whole, secrets included."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line and not LINE.match(line):
            problem = f"line {number} of {str(path)!r} is not NAME=value"
            raise BadEnvironment(ENV_FILE, problem, "Write no spaces around the =, or begin a comment with #")


def _suggest(name: str) -> str:
    close = get_close_matches(name.upper(), OWN_NAMES, n=1)
    return f"Did you mean {close[0]}?" if close else "Remove it"
