"""Readers of one variable's text. Each raises BadEnvironment, which names the variable and the fix."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

REPOSITORY: Final = Path(__file__).resolve().parents[2]
MAX_HOURS: Final = 2_160  # the longest a lead lives, unless its workspace says otherwise
MIN_SECRET_LENGTH: Final = 32
MAX_PORT: Final = 65_535
HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
MAX_COUNT: Final = 2**31 - 1
MAX_QUOTED: Final = 40
TRUE_WORDS: Final = ("true", "1", "yes", "on")
FALSE_WORDS: Final = ("false", "0", "no", "off")
POSTGRES_SCHEMES: Final = ("postgres", "postgresql")
HTTP_SCHEMES: Final = ("http", "https")
EMAIL_SCHEMES: Final = ("smtp", "smtp+tls", "smtp+ssl")
REDIS_SCHEMES: Final = ("redis", "rediss", "unix")
# Health probes come from the machine itself.
LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")


class BadEnvironment(ImproperlyConfigured):
    """A variable is misspelled, missing or malformed."""

    def __init__(self, variable: str, problem: str, fix: str) -> None:
        super().__init__(f"{variable}: {problem}. {fix} (.env.example lists every variable)")
        self.variable = variable


class BadURL(ValueError):
    """What is wrong with a URL. The message quotes nothing of it: a URL may contain a password."""


def parse_text(_name: str, text: str) -> str:
    return text


def parse_directory(_name: str, text: str) -> Path:
    """A relative path starts at the repository."""
    path = Path(text).expanduser()
    return path if path.is_absolute() else REPOSITORY / path


def parse_hosts(name: str, text: str) -> tuple[str, ...]:
    """Host names with commas between them. Loopback is always added."""
    hosts = tuple(host.strip() for host in text.split(",") if host.strip())
    for host in hosts:
        if "/" in host or " " in host:
            raise BadEnvironment(name, f"{host!r} is not a host name", "Use leads.example.com,other")
    if not hosts:
        raise BadEnvironment(name, "names no host", "Use leads.example.com,other")
    return (*hosts, *LOOPBACK)


def parse_bool(name: str, text: str) -> bool:
    if text.lower() in TRUE_WORDS:
        return True
    if text.lower() in FALSE_WORDS:
        return False
    raise BadEnvironment(name, f"{text!r} is neither true nor false", "Use true or false")


def parse_count(name: str, text: str) -> int:
    count = _read_digits(text)
    if count is None or count < 1:
        raise BadEnvironment(
            name, f"{_shorten(text)!r} is not a positive whole number", "Use digits only, such as 5"
        )
    if count > MAX_COUNT:
        raise BadEnvironment(name, f"{_shorten(text)!r} is too large", f"Use at most {MAX_COUNT}")
    return count


@dataclass(frozen=True, slots=True)
class IntegerRange:
    """Reads a whole number in a range, both ends included."""

    lowest: int
    highest: int

    def __call__(self, name: str, text: str) -> int:
        number = _read_digits(text)
        if number is None:
            raise BadEnvironment(name, f"{_shorten(text)!r} is not a whole number", f"Use {self}")
        if not self.lowest <= number <= self.highest:
            raise BadEnvironment(name, f"{_shorten(text)} is out of range", f"Use {self}")
        return number

    def __str__(self) -> str:
        return f"{self.lowest} to {self.highest}"


def parse_port(name: str, text: str) -> int:
    port = _read_digits(text)
    if port is None or port > MAX_PORT:
        raise BadEnvironment(name, f"{_shorten(text)!r} is not a port", f"Use 0 to {MAX_PORT}, such as 9101")
    return port


def parse_host(name: str, text: str) -> str:
    """An address to bind to: a name, or an IPv4 or IPv6 address without brackets and port."""
    if not HOST.fullmatch(text):
        raise BadEnvironment(name, f"{_shorten(text)!r} is not an address", "Use 127.0.0.1, 0.0.0.0 or ::")
    return text


def parse_hours(name: str, text: str) -> int:
    hours = _read_digits(text)
    if hours is None or hours > MAX_HOURS:
        problem = f"{_shorten(text)!r} is not a number of hours"
        raise BadEnvironment(name, problem, f"Use 0 to {MAX_HOURS}, such as 24")
    return hours


def parse_prefix(name: str, text: str) -> str:
    if not (text.replace("-", "").replace("_", "").isalnum() and text.isascii()):
        raise BadEnvironment(name, f"{text!r} is not a key prefix", "Use letters, digits, - and _ only")
    return text


def parse_secret(name: str, text: str) -> str:
    if len(text) < MIN_SECRET_LENGTH:
        raise BadEnvironment(name, "is too short to be safe", "Set 50 random characters")
    return text


def one_of(*allowed: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text not in allowed:
            raise BadEnvironment(name, f"{text!r} is unknown", f"Use one of {', '.join(allowed)}")
        return text

    return parse


def parse_postgres_url(name: str, text: str) -> str:
    example = "postgres://user:secret@host:5432/leadswitch"
    with _naming_variable(name, example=example):
        parts = split_url(text, POSTGRES_SCHEMES)
    if not parts.path.strip("/"):
        raise BadEnvironment(name, "names no database", f"Use {example}")
    return text


def parse_redis_url(name: str, text: str) -> str:
    with _naming_variable(name, example="redis://host:6379/0"):
        split_url(text, REDIS_SCHEMES)
    return text


def parse_http_url(name: str, text: str) -> str:
    with _naming_variable(name, example="http://127.0.0.1:4318"):
        check_http_url(text)
    return text


def parse_email_url(name: str, text: str) -> str:
    example = "smtp+tls://user:secret@mail.example.com:587"
    with _naming_variable(name, example=example):
        parts = split_url(text, EMAIL_SCHEMES)
    if not parts.hostname or parts.path.strip("/") or parts.query:
        raise BadEnvironment(name, "is not the address of a mail server", f"Use a URL such as {example}")
    return text


def parse_base_url(name: str, text: str) -> str:
    """Without a slash at the end."""
    example = "https://leads.example.com"
    with _naming_variable(name, example=example):
        parts = split_url(text, HTTP_SCHEMES)
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise BadEnvironment(name, "is more than scheme, host and port", f"Use a URL such as {example}")
    return text.rstrip("/")


def check_http_url(text: str) -> None:
    """Raises BadURL."""
    if not split_url(text, HTTP_SCHEMES).hostname:
        raise BadURL("names no host")
    if text.split() != [text]:
        raise BadURL("contains a space")


def split_url(text: str, schemes: tuple[str, ...]) -> SplitResult:
    """Raises BadURL."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError if it is not a number
    except ValueError:
        # The message of the error quotes what was read as a port: with a / in it, the beginning of a password.
        encoded = "in a password write / as %2F, ? as %3F, # as %23, @ as %40"
        raise BadURL(f"is not a URL with a valid host and port ({encoded})") from None
    if parts.scheme not in schemes:
        # What is read as the scheme of user:password@host is the user.
        raise BadURL(f"its scheme is not one of {', '.join(schemes)}")
    if not parts.netloc and parts.scheme != "unix":
        raise BadURL("names no host")
    return parts


def parse_program_dir(name: str, text: str) -> str:
    if not (Path(text) / "initdb").is_file():
        raise BadEnvironment(
            name, f"{text!r} does not contain initdb", "Use /usr/lib/postgresql/15/bin or similar"
        )
    return text


def parse_program(name: str, text: str) -> str:
    if not os.access(text, os.X_OK) or Path(text).is_dir():
        raise BadEnvironment(name, f"{text!r} is not a program", "Use /usr/bin/valkey-server or similar")
    return text


def _read_digits(text: str) -> int | None:
    """The number; None if the text is not digits only. Anything above MAX_COUNT is MAX_COUNT + 1.

    int() raises ValueError for more than 4,300 digits, so long texts are cut before it.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")[: len(str(MAX_COUNT)) + 1]
    return min(int(digits or "0"), MAX_COUNT + 1)


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}…"


@contextmanager
def _naming_variable(name: str, *, example: str) -> Iterator[None]:
    """Raises BadEnvironment for a BadURL: with the variable's name, and an example."""
    try:
        yield
    except BadURL as error:
        raise BadEnvironment(name, str(error), f"Use a URL such as {example}") from None
