"""Reads the process environment, strictly: every mistake is an error that names the variable and the fix.

Settings come from here alone. `.env.example` documents each variable.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from leadswitch.embedded.paths import ServerPrograms
from leadswitch.secretfile import read_or_create_secret

REPOSITORY = Path(__file__).resolve().parent.parent
OWN_PREFIX = "LEADSWITCH_"
OWN_VARIABLES = frozenset(
    OWN_PREFIX + name
    for name in (
        "ALLOW_SUPERUSER",
        "BUYER_REQUESTS_A_MINUTE",
        "BUYER_REQUEST_BURST",
        "CANARY_LATE_SECONDS",
        "CANARY_SECONDS",
        "DESK_CHECKS_A_MINUTE",
        "DESK_CHECK_BURST",
        "DISPATCH_MODE",
        "DISPATCH_NOW_AN_HOUR",
        "EMBEDDED_FSYNC",
        "EMBEDDED_POSTGRES",
        "EMBEDDED_REDIS",
        "ENV_FILE",
        "HSTS_INCLUDE_SUBDOMAINS",
        "HSTS_PRELOAD",
        "HTTPS",
        "IDENTITY_KEY",
        "LARGE_SUM_DOLLARS",
        "LEASE_SECONDS",
        "LOCK_MAX_SECONDS",
        "LOGIN_FAILURES",
        "LOGIN_LOCK_MINUTES",
        "LOG_LEVEL",
        "LOOK_SECONDS",
        "MAX_LOST_LEASES",
        "METRICS_TOKEN",
        "OVERDUE_LEADS",
        "OVERDUE_SECONDS",
        "PGBOUNCER",
        "PICKUP_PERIOD_SECONDS",
        "PREPARE",
        "READY_LIMIT",
        "READY_SHARDS",
        "REDIS_PREFIX",
        "RERUNS_AN_HOUR",
        "ROLE",
        "SECOND_FACTOR",
        "SOURCE_REQUESTS_A_MINUTE",
        "SOURCE_REQUEST_BURST",
        "START_LATE_SECONDS",
        "TRANSIENT_MAX_ATTEMPTS",
        "TRUST_PROXY",
        "VAR_DIR",
        "WAKE_ENABLED",
        "WAKE_MAX_AGE_HOURS",
    )
)
MOST_HOURS = 2_160  # as long as a lead lives, unless its workspace says otherwise
ROLES = ("web", "worker", "command")
DISPATCH_MODES = ("poll", "shadow", "event")
SECOND_FACTOR_RULES = ("nobody", "superusers", "staff")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
POSTGRES_SCHEMES = ("postgres", "postgresql")
REDIS_SCHEMES = ("redis", "rediss", "unix")
TRUE_WORDS = ("true", "1", "yes", "on")
FALSE_WORDS = ("false", "0", "no", "off")

Value = TypeVar("Value")


class BadEnvironment(ImproperlyConfigured):
    """A variable is misspelled, missing or malformed."""

    def __init__(self, variable: str, problem: str, fix: str) -> None:
        super().__init__(f"{variable}: {problem}. {fix} (.env.example lists every variable)")
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Locations:
    """Where the data is. An empty URL means the embedded server under `var_dir`."""

    var_dir: Path
    database_url: str
    redis_url: str
    embedded_fsync: bool
    programs: ServerPrograms

    @property
    def is_embedded(self) -> bool:
        return not (self.database_url and self.redis_url)


@dataclass(frozen=True, slots=True)
class Environment:
    locations: Locations
    debug: bool
    secret_key: str
    identity_key: str
    allowed_hosts: tuple[str, ...]
    is_https: bool
    is_behind_proxy: bool
    hsts_include_subdomains: bool
    hsts_preload: bool
    metrics_token: str
    login_failures: int
    login_lock_minutes: int
    second_factor: str
    is_superuser_allowed: bool
    is_pgbouncer: bool
    is_prepared: bool
    role: str
    log_level: str
    redis_prefix: str
    pickup_period_seconds: int
    transient_max_attempts: int
    lock_max_seconds: int
    is_wake_enabled: bool
    wake_max_age_hours: int
    dispatch_mode: str
    lease_seconds: int
    max_lost_leases: int
    large_sum_dollars: int
    ready_shards: int
    ready_limit: int
    rate_limits: Mapping[str, tuple[int, int]]
    lead_tries_an_hour: Mapping[str, int]
    watch: Mapping[str, int]


def read_environment(source: Mapping[str, str] | None = None) -> Environment:
    """The whole configuration. Raises BadEnvironment; creates the embedded secrets when they are missing."""
    variables = _load(source)
    locations = _read_locations(variables)
    embedded = locations.is_embedded
    debug = _read(variables, "DEBUG", parse_bool, default=False)
    pgbouncer = _read(variables, "LEADSWITCH_PGBOUNCER", parse_bool, default=False)
    return Environment(
        locations=locations,
        debug=debug,
        secret_key=_read_secret(variables, "SECRET_KEY", locations, optional=debug),
        identity_key=_read_secret(variables, "LEADSWITCH_IDENTITY_KEY", locations, optional=debug),
        allowed_hosts=_read_allowed_hosts(variables, required=not (embedded or debug)),
        is_https=_read(variables, "LEADSWITCH_HTTPS", parse_bool, default=not (embedded or debug)),
        is_behind_proxy=_read(variables, "LEADSWITCH_TRUST_PROXY", parse_bool, default=False),
        hsts_include_subdomains=_read(
            variables, "LEADSWITCH_HSTS_INCLUDE_SUBDOMAINS", parse_bool, default=False
        ),
        hsts_preload=_read(variables, "LEADSWITCH_HSTS_PRELOAD", parse_bool, default=False),
        metrics_token=_read_metrics_token(variables, locations, optional=debug),
        login_failures=_read(variables, "LEADSWITCH_LOGIN_FAILURES", parse_count, default=5),
        second_factor=_read(
            variables, "LEADSWITCH_SECOND_FACTOR", one_of(*SECOND_FACTOR_RULES), default="nobody"
        ),
        login_lock_minutes=_read(variables, "LEADSWITCH_LOGIN_LOCK_MINUTES", parse_count, default=15),
        is_superuser_allowed=_read(variables, "LEADSWITCH_ALLOW_SUPERUSER", parse_bool, default=False),
        is_pgbouncer=pgbouncer,
        is_prepared=_read(variables, "LEADSWITCH_PREPARE", parse_bool, default=not pgbouncer),
        role=_read(variables, "LEADSWITCH_ROLE", one_of(*ROLES), default="command"),
        log_level=_read(variables, "LEADSWITCH_LOG_LEVEL", one_of(*LOG_LEVELS), default="INFO"),
        redis_prefix=_read(variables, "LEADSWITCH_REDIS_PREFIX", parse_prefix, default="ls"),
        pickup_period_seconds=_read(variables, "LEADSWITCH_PICKUP_PERIOD_SECONDS", parse_count, default=5),
        transient_max_attempts=_read(variables, "LEADSWITCH_TRANSIENT_MAX_ATTEMPTS", parse_count, default=20),
        lock_max_seconds=_read(variables, "LEADSWITCH_LOCK_MAX_SECONDS", parse_count, default=900),
        is_wake_enabled=_read(variables, "LEADSWITCH_WAKE_ENABLED", parse_bool, default=True),
        wake_max_age_hours=_read(variables, "LEADSWITCH_WAKE_MAX_AGE_HOURS", parse_hours, default=24),
        dispatch_mode=_read(variables, "LEADSWITCH_DISPATCH_MODE", one_of(*DISPATCH_MODES), default="event"),
        lease_seconds=_read(variables, "LEADSWITCH_LEASE_SECONDS", parse_count, default=30),
        max_lost_leases=_read(variables, "LEADSWITCH_MAX_LOST_LEASES", parse_count, default=5),
        large_sum_dollars=_read(variables, "LEADSWITCH_LARGE_SUM_DOLLARS", parse_count, default=10_000),
        ready_shards=_read(variables, "LEADSWITCH_READY_SHARDS", parse_count, default=4),
        ready_limit=_read(variables, "LEADSWITCH_READY_LIMIT", parse_count, default=250),
        rate_limits=_read_rate_limits(variables),
        lead_tries_an_hour={
            "sender": _read(variables, "LEADSWITCH_DISPATCH_NOW_AN_HOUR", parse_count, default=3),
            "operator": _read(variables, "LEADSWITCH_RERUNS_AN_HOUR", parse_count, default=30),
        },
        watch=_read_watch(variables),
    )


def read_locations(source: Mapping[str, str] | None = None) -> Locations:
    """Only where the data is: what the command that starts and stops the servers needs."""
    return _read_locations(_load(source))


def _load(source: Mapping[str, str] | None) -> dict[str, str]:
    """The process environment over the .env file, with the names of our own variables checked."""
    process = dict(os.environ if source is None else source)
    variables = {**_read_file(process), **process}
    for name in sorted(variables):
        if name.startswith(OWN_PREFIX) and name not in OWN_VARIABLES:
            raise BadEnvironment(name, "no such variable", _suggest(name))
    return variables


def _read_file(process: Mapping[str, str]) -> dict[str, str]:
    """Variables of the .env file; LEADSWITCH_ENV_FILE names another one, empty none."""
    named = process.get("LEADSWITCH_ENV_FILE")
    path = REPOSITORY / ".env" if named is None else Path(named)
    if named == "" or (named is None and not path.exists()):
        return {}
    if not path.is_file():
        raise BadEnvironment("LEADSWITCH_ENV_FILE", f"{named!r} is no file", "Name an existing file")

    class FileEnv(environ.Env):  # type: ignore[misc]  # the library is untyped
        ENVIRON: dict[str, str] = {}

    FileEnv.read_env(path)
    return FileEnv.ENVIRON


def _suggest(name: str) -> str:
    close = get_close_matches(name, OWN_VARIABLES, n=1)
    return f"Did you mean {close[0]}?" if close else "Remove it"


def _read_locations(variables: Mapping[str, str]) -> Locations:
    var_dir = Path(variables.get("LEADSWITCH_VAR_DIR") or REPOSITORY / "var").expanduser()
    return Locations(
        var_dir=var_dir if var_dir.is_absolute() else REPOSITORY / var_dir,
        database_url=_read(variables, "DATABASE_URL", parse_postgres_url, default=""),
        redis_url=_read(variables, "REDIS_URL", parse_redis_url, default=""),
        embedded_fsync=_read(variables, "LEADSWITCH_EMBEDDED_FSYNC", parse_bool, default=True),
        programs=ServerPrograms(
            postgres_dir=_read(variables, "LEADSWITCH_EMBEDDED_POSTGRES", parse_program_dir, default=""),
            redis=_read(variables, "LEADSWITCH_EMBEDDED_REDIS", parse_program, default=""),
        ),
    )


def _read(
    variables: Mapping[str, str], name: str, parse: Callable[[str, str], Value], *, default: Value
) -> Value:
    """Unset and empty both mean the default: `NAME=` in a compose file must not differ from its absence."""
    text = variables.get(name, "").strip()
    return parse(name, text) if text else default


def _read_rate_limits(variables: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """By kind of API key, and of people at the desk: requests a minute, and how many of them at once."""
    return {
        "desk": (
            _read(variables, "LEADSWITCH_DESK_CHECKS_A_MINUTE", parse_count, default=120),
            _read(variables, "LEADSWITCH_DESK_CHECK_BURST", parse_count, default=30),
        ),
        "buyer": (
            _read(variables, "LEADSWITCH_BUYER_REQUESTS_A_MINUTE", parse_count, default=600),
            _read(variables, "LEADSWITCH_BUYER_REQUEST_BURST", parse_count, default=100),
        ),
        "source": (
            _read(variables, "LEADSWITCH_SOURCE_REQUESTS_A_MINUTE", parse_count, default=60_000),
            _read(variables, "LEADSWITCH_SOURCE_REQUEST_BURST", parse_count, default=5_000),
        ),
    }


def _read_watch(variables: Mapping[str, str]) -> dict[str, int]:
    """How the dispatch is watched: how often it is looked at, and from when on something is wrong."""
    return {
        "look": _read(variables, "LEADSWITCH_LOOK_SECONDS", parse_count, default=1),
        "canary": _read(variables, "LEADSWITCH_CANARY_SECONDS", parse_count, default=5),
        "canary_late": _read(variables, "LEADSWITCH_CANARY_LATE_SECONDS", parse_count, default=15),
        "overdue": _read(variables, "LEADSWITCH_OVERDUE_SECONDS", parse_count, default=5),
        "overdue_leads": _read(variables, "LEADSWITCH_OVERDUE_LEADS", parse_count, default=1_000),
        "start_late": _read(variables, "LEADSWITCH_START_LATE_SECONDS", parse_count, default=10),
    }


def _read_secret(variables: Mapping[str, str], name: str, locations: Locations, *, optional: bool) -> str:
    value = variables.get(name, "").strip()
    if value:
        return parse_secret(name, value)
    if locations.is_embedded or optional:
        return read_or_create_secret(locations.var_dir / f"{name.lower()}.txt")
    raise BadEnvironment(
        name, "is required when DATABASE_URL and REDIS_URL are set", "Set 50 random characters"
    )


def _read_metrics_token(variables: Mapping[str, str], locations: Locations, *, optional: bool) -> str:
    """Empty in production without one: then there is no /metrics. An embedded installation makes its own."""
    name = "LEADSWITCH_METRICS_TOKEN"
    if not (variables.get(name, "").strip() or locations.is_embedded or optional):
        return ""
    return _read_secret(variables, name, locations, optional=True)


def _read_allowed_hosts(variables: Mapping[str, str], *, required: bool) -> tuple[str, ...]:
    hosts = tuple(host.strip() for host in variables.get("ALLOWED_HOSTS", "").split(",") if host.strip())
    for host in hosts:
        if "/" in host or " " in host:
            raise BadEnvironment("ALLOWED_HOSTS", f"{host!r} is no host name", "Use leads.example.com,other")
    if required and not hosts:
        raise BadEnvironment("ALLOWED_HOSTS", "is required in production", "List the host names, with commas")
    # Loopback stays allowed: health probes come from the machine itself.
    return (*hosts, "localhost", "127.0.0.1", "[::1]")


def parse_bool(name: str, text: str) -> bool:
    if text.lower() in TRUE_WORDS:
        return True
    if text.lower() in FALSE_WORDS:
        return False
    raise BadEnvironment(name, f"{text!r} is neither true nor false", "Use true or false")


def parse_count(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise BadEnvironment(name, f"{text!r} is no positive whole number", "Use digits only, such as 5")
    return int(text)


def parse_hours(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_HOURS):
        raise BadEnvironment(name, f"{text!r} is no number of hours", f"Use 0 to {MOST_HOURS}, such as 24")
    return int(text)


def parse_prefix(name: str, text: str) -> str:
    if not (text.replace("-", "").replace("_", "").isalnum() and text.isascii()):
        raise BadEnvironment(name, f"{text!r} is no key prefix", "Use letters, digits, - and _ only")
    return text


def parse_secret(name: str, text: str) -> str:
    if len(text) < 32:
        raise BadEnvironment(name, "is too short to be safe", "Set 50 random characters")
    return text


def one_of(*allowed: str) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text not in allowed:
            raise BadEnvironment(name, f"{text!r} is unknown", f"Use one of {', '.join(allowed)}")
        return text

    return parse


def parse_postgres_url(name: str, text: str) -> str:
    parts = _split_url(name, text, POSTGRES_SCHEMES, example="postgres://user:secret@host:5432/leadswitch")
    if not parts.path.strip("/"):
        raise BadEnvironment(name, "names no database", "Use postgres://user:secret@host:5432/leadswitch")
    return text


def parse_redis_url(name: str, text: str) -> str:
    _split_url(name, text, REDIS_SCHEMES, example="redis://host:6379/0")
    return text


def parse_program_dir(name: str, text: str) -> str:
    if not (Path(text) / "initdb").is_file():
        raise BadEnvironment(name, f"{text!r} holds no initdb", "Use /usr/lib/postgresql/15/bin or the like")
    return text


def parse_program(name: str, text: str) -> str:
    if not os.access(text, os.X_OK) or Path(text).is_dir():
        raise BadEnvironment(name, f"{text!r} is no program", "Use /usr/bin/valkey-server or the like")
    return text


def postgres_settings(url: str) -> dict[str, object]:
    """A Django DATABASES entry; a host that is a percent-encoded path is a unix socket directory."""
    settings: dict[str, object] = environ.Env.db_url_config(url)
    settings["HOST"] = unquote(str(settings["HOST"]))
    return settings


def celery_broker_url(redis_url: str) -> str:
    """The same Redis in the form Celery reads: it spells unix sockets in its own way."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = next((pair[3:] for pair in parts.query.split("&") if pair.startswith("db=")), "0")
    return f"redis+socket://{parts.path}?virtual_host={database}"


def _split_url(name: str, text: str, schemes: tuple[str, ...], *, example: str) -> SplitResult:
    fix = f"Use a URL such as {example}"
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is no number
    except ValueError as error:
        raise BadEnvironment(name, f"is no URL ({error})", fix) from error
    if parts.scheme not in schemes:
        raise BadEnvironment(name, f"scheme {parts.scheme!r} is none of {', '.join(schemes)}", fix)
    if not parts.netloc and parts.scheme != "unix":
        raise BadEnvironment(name, "names no host", fix)
    return parts
