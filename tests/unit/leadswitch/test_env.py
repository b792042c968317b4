"""Configuration mistakes are errors that name the variable and the fix."""

import io
from collections.abc import Mapping
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest

from leadswitch.env import (
    BadEnvironment,
    celery_broker_url,
    postgres_settings,
    read_environment,
    read_locations,
)
from leadswitch.env.mail import MailServer, read_mail_server
from leadswitch.env.registry import RENAMED

LIMITS = [
    f"LEADSWITCH_{name}"
    for name in (
        *("BUYER_REQUESTS_PER_MINUTE", "BUYER_REQUEST_BURST"),
        *("SOURCE_REQUESTS_PER_MINUTE", "SOURCE_REQUEST_BURST"),
        *("ADMIN_CHECKS_PER_MINUTE", "ADMIN_CHECK_BURST"),
        *("DISPATCH_NOW_PER_HOUR", "RERUNS_PER_HOUR"),
        *("LEADER_CHECK_SECONDS", "CANARY_SECONDS", "CANARY_LATE_SECONDS"),
        *("OVERDUE_SECONDS", "OVERDUE_LEADS", "STALLED_SECONDS"),
        *("WORKSPACE_REQUESTS_PER_MINUTE", "WORKSPACE_REQUEST_BURST"),
        *("PINGS_PER_MINUTE", "PING_BURST"),
        *("WHATIFS_PER_MINUTE", "WHATIF_BURST"),
        *("ENDPOINT_TESTS_PER_MINUTE", "ENDPOINT_TEST_BURST"),
    )
]
SECRET = "s" * 50
PRODUCTION = {
    "DATABASE_URL": "postgres://u:p@db.example.com:5432/leads",
    "REDIS_URL": "redis://cache.example.com:6379/0",
    "SECRET_KEY": SECRET,
    "LEADSWITCH_IDENTITY_KEY": SECRET,
    "LEADSWITCH_ENCRYPTION_KEY": SECRET,
    "ALLOWED_HOSTS": "leads.example.com",
    "LEADSWITCH_ENV_FILE": "",
}


@pytest.mark.parametrize(
    ("change", "variable", "hint"),
    [
        ({"LEADSWITCH_REDIS_PREFX": "x"}, "LEADSWITCH_REDIS_PREFX", "Did you mean LEADSWITCH_REDIS_PREFIX?"),
        ({"LEADSWITCH_PICKUP_PERIOD_SECONDS": "5s"}, "LEADSWITCH_PICKUP_PERIOD_SECONDS", "'5s'"),
        ({"LEADSWITCH_PICKUP_PERIOD_SECONDS": "0"}, "LEADSWITCH_PICKUP_PERIOD_SECONDS", "Use 1 to 300"),
        ({"LEADSWITCH_TRANSIENT_MAX_ATTEMPTS": "-1"}, "LEADSWITCH_TRANSIENT_MAX_ATTEMPTS", "'-1'"),
        ({"LEADSWITCH_WAKE_MAX_AGE_HOURS": "day"}, "LEADSWITCH_WAKE_MAX_AGE_HOURS", "'day'"),
        ({"LEADSWITCH_WAKE_MAX_AGE_HOURS": "9999"}, "LEADSWITCH_WAKE_MAX_AGE_HOURS", "0 to 2160"),
        ({"LEADSWITCH_LARGE_SUM_DOLLARS": "9" * 5_000}, "LEADSWITCH_LARGE_SUM_DOLLARS", "2147483647"),
        ({"LEADSWITCH_LOGIN_LOCK_MINUTES": "10081"}, "LEADSWITCH_LOGIN_LOCK_MINUTES", "Use 1 to 10080"),
        (
            {"LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "10.0.0"},
            "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS",
            "'10.0.0'",
        ),
        (
            {"LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "10.0.0.0/8,10.1.2.3/8"},
            "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS",
            "10.1.2.3/8 has host bits set",
        ),
        (
            {"LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "::/0"},
            "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS",
            "allows every address",
        ),
        ({"LEADSWITCH_LOGIN_FAILURES": "101"}, "LEADSWITCH_LOGIN_FAILURES", "Use 1 to 100"),
        ({"LEADSWITCH_EXPORTER_PERIOD_SECONDS": "61"}, "LEADSWITCH_EXPORTER_PERIOD_SECONDS", "Use 1 to 60"),
        (
            {"LEADSWITCH_BUYER_REQUESTS_PER_MINUTE": "0"},
            "LEADSWITCH_BUYER_REQUESTS_PER_MINUTE",
            "Use 1 to 1000000",
        ),
        (
            {"LEADSWITCH_SOURCE_REQUESTS_PER_MINUTE": "1000001"},
            "LEADSWITCH_SOURCE_REQUESTS_PER_MINUTE",
            "1000000",
        ),
        ({"LEADSWITCH_SOURCE_REQUEST_BURST": "100001"}, "LEADSWITCH_SOURCE_REQUEST_BURST", "Use 1 to 100000"),
        ({"LEADSWITCH_ADMIN_CHECK_BURST": "2147483647"}, "LEADSWITCH_ADMIN_CHECK_BURST", "Use 1 to 100000"),
        ({"LEADSWITCH_RERUNS_PER_HOUR": "1001"}, "LEADSWITCH_RERUNS_PER_HOUR", "Use 1 to 1000"),
        ({"LEADSWITCH_DISPATCH_NOW_PER_HOUR": "1001"}, "LEADSWITCH_DISPATCH_NOW_PER_HOUR", "Use 1 to 1000"),
        ({"LEADSWITCH_EXPORTER_WORST": "1001"}, "LEADSWITCH_EXPORTER_WORST", "Use 1 to 1000"),
        (
            {"LEADSWITCH_PICKUP_PERIOD_SECONDS": "9" * 5_000},
            "LEADSWITCH_PICKUP_PERIOD_SECONDS",
            "Use 1 to 300",
        ),
        ({"LEADSWITCH_WAKE_MAX_AGE_HOURS": "9" * 5_000}, "LEADSWITCH_WAKE_MAX_AGE_HOURS", "0 to 2160"),
        (
            {"LEADSWITCH_DATADOG_PAGE_HANDLE": "pagerduty"},
            "LEADSWITCH_DATADOG_PAGE_HANDLE",
            "Use @pagerduty-",
        ),
        ({"LEADSWITCH_DATADOG_WARNING_HANDLE": "@a,b c"}, "LEADSWITCH_DATADOG_WARNING_HANDLE", "'@a,b c'"),
        ({"EMAIL_URL": "http://mail.example.com"}, "EMAIL_URL", "its scheme is not one of smtp"),
        ({"EMAIL_URL": "smtp://mail.example.com/x"}, "EMAIL_URL", "is not the address of a mail server"),
        ({"EMAIL_URL": "smtp://user:secret@"}, "EMAIL_URL", "is not the address of a mail server"),
        ({"LEADSWITCH_EMAIL_FROM": "leads"}, "LEADSWITCH_EMAIL_FROM", "'leads' is not an e-mail address"),
        ({"LEADSWITCH_DIGEST_RECIPIENTS": "a@b.c, d"}, "LEADSWITCH_DIGEST_RECIPIENTS", "'d' is not"),
        ({"LEADSWITCH_DIGEST_RECIPIENTS": "a@b.c"}, "LEADSWITCH_DIGEST_RECIPIENTS", "Set EMAIL_URL"),
        ({"LEADSWITCH_DIGEST_TIME": "24:00"}, "LEADSWITCH_DIGEST_TIME", "Use 00:00 to 23:59"),
        ({"LEADSWITCH_DIGEST_TIMEZONE": "Mars"}, "LEADSWITCH_DIGEST_TIMEZONE", "'Mars' is not a time zone"),
        (
            {"LEADSWITCH_BASE_URL": "leads.example.com"},
            "LEADSWITCH_BASE_URL",
            "its scheme is not one of http",
        ),
        ({"LEADSWITCH_BASE_URL": "https://a.b/admin"}, "LEADSWITCH_BASE_URL", "is more than scheme"),
        ({"LEADSWITCH_READY_SHARDS": "65"}, "LEADSWITCH_READY_SHARDS", "Use 1 to 64"),
        ({"LEADSWITCH_READY_SHARDS": "0"}, "LEADSWITCH_READY_SHARDS", "out of range"),
        ({"LEADSWITCH_READY_SHARDS": "1.5"}, "LEADSWITCH_READY_SHARDS", "'1.5' is not a whole number"),
        ({"LEADSWITCH_LEADER_LEASE_MS": "1999"}, "LEADSWITCH_LEADER_LEASE_MS", "Use 2000 to 60000"),
        (
            {"LEADSWITCH_LEADER_RENEWAL_MS": "1501"},
            "LEADSWITCH_LEADER_RENEWAL_MS",
            "half of LEADSWITCH_LEADER_LEASE",
        ),
        (
            {"LEADSWITCH_LEADER_LEASE_MS": "2000", "LEADSWITCH_LEADER_RENEWAL_MS": "1001"},
            "LEADSWITCH_LEADER_RENEWAL_MS",
            "Use at most 1000",
        ),
        (
            {"LEADSWITCH_DISPATCHER_TICK_MS": "200", "LEADSWITCH_LEADER_RENEWAL_MS": "150"},
            "LEADSWITCH_DISPATCHER_TICK_MS",
            "Use at most 150, or raise LEADSWITCH_LEADER_RENEWAL_MS",
        ),
        (
            {"LEADSWITCH_CONFLICT_FIRST_RETRY_MS": "30001"},
            "LEADSWITCH_CONFLICT_FIRST_RETRY_MS",
            "greater than LEADSWITCH_CONFLICT_LONGEST_RETRY_MS",
        ),
        (
            {"LEADSWITCH_ERROR_LONGEST_RETRY_SECONDS": "59"},
            "LEADSWITCH_ERROR_FIRST_RETRY_SECONDS",
            "Use at most 59, or raise LEADSWITCH_ERROR_LONGEST_RETRY_SECONDS",
        ),
        (
            {"LEADSWITCH_ALIVE_SECONDS": "14", "LEADSWITCH_FALLBACK_AFTER_SECONDS": "10"},
            "LEADSWITCH_LEADER_HEARTBEAT_SECONDS",
            "5 is greater than a third of LEADSWITCH_ALIVE_SECONDS. Use at most 4",
        ),
        (
            {"LEADSWITCH_FALLBACK_ROUND_SECONDS": "6"},
            "LEADSWITCH_FALLBACK_ROUND_SECONDS",
            "6 is greater than a third of LEADSWITCH_ALIVE_SECONDS. Use at most 5",
        ),
        ({"leadswitch_role": "web"}, "leadswitch_role", "Did you mean LEADSWITCH_ROLE?"),
        ({"LEADSWITCH_LOCK_MAX_SECONDS": "5"}, "LEADSWITCH_LOCK_MAX_SECONDS", "LEADSWITCH_CLAIM_MAX_SECONDS"),
        ({"DEBUG": "ture"}, "DEBUG", "Use true or false"),
        ({"LEADSWITCH_WAKE_ENABLED": "maybe"}, "LEADSWITCH_WAKE_ENABLED", "Use true or false"),
        ({"LEADSWITCH_ROLE": "wrker"}, "LEADSWITCH_ROLE", "web, worker, exporter, command"),
        ({"LEADSWITCH_REDIS_PREFIX": "a:b"}, "LEADSWITCH_REDIS_PREFIX", "letters, digits"),
        ({"DATABASE_URL": "mysql://u@h/db"}, "DATABASE_URL", "its scheme is not one of postgres, postgresql"),
        ({"DATABASE_URL": "postgres://u@h:abc/db"}, "DATABASE_URL", "not a URL"),
        ({"DATABASE_URL": "postgres://u@h"}, "DATABASE_URL", "names no database"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL", "redis://host:6379/0"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://:4318"},
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "names no host. Use a URL such as http://127.0.0.1:4318",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://one two"},
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "contains a space",
        ),
        ({"SECRET_KEY": ""}, "SECRET_KEY", "is required"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY", "too short"),
        ({"LEADSWITCH_IDENTITY_KEY": ""}, "LEADSWITCH_IDENTITY_KEY", "is required"),
        ({"LEADSWITCH_ENCRYPTION_KEY": ""}, "LEADSWITCH_ENCRYPTION_KEY", "is required"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS", "is required"),
        ({"ALLOWED_HOSTS": " , "}, "ALLOWED_HOSTS", "names no host"),
        ({"ALLOWED_HOSTS": "https://leads.example.com"}, "ALLOWED_HOSTS", "not a host name"),
        ({"LEADSWITCH_ENV_FILE": "/does/not/exist"}, "LEADSWITCH_ENV_FILE", "not a file"),
    ],
)
def test_mistake_names_the_variable_and_the_fix(change: Mapping[str, str], variable: str, hint: str) -> None:
    with pytest.raises(BadEnvironment) as caught:
        read_environment({**PRODUCTION, **change})
    assert caught.value.variable == variable
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("DATABASE_URL", "postgres://leadswitch:Passw/ord@db.example.com:5432/leads"),
        ("DATABASE_URL", "postgres://leadswitch:Passw?ord@db.example.com:5432/leads"),
        ("REDIS_URL", "redis://:Passw#ord@cache.example.com:6379/0"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://leads:Passw/ord@otlp.example.com:4318"),
    ],
)
def test_password_of_a_malformed_url_is_not_shown(variable: str, url: str) -> None:
    with pytest.raises(BadEnvironment, match=f"{variable}: is not a URL .* as %2F") as caught:
        read_environment({**PRODUCTION, variable: url})
    shown = "".join(format_exception(caught.value))
    assert "Passw" not in shown


@pytest.mark.parametrize("url", ["Hunter2:hunter2@example.com:80", "Hunter2://example.com"])
@pytest.mark.parametrize("variable", ["DATABASE_URL", "REDIS_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"])
def test_text_before_the_first_colon_of_a_url_is_not_shown(variable: str, url: str) -> None:
    """It is read as the scheme, and may be a token."""
    with pytest.raises(BadEnvironment, match=f"{variable}: its scheme is not one of") as caught:
        read_environment({**PRODUCTION, variable: url})
    shown = "".join(format_exception(caught.value))
    assert "hunter2" not in shown.lower()


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_old_name_is_refused_with_the_new_one(old: str, new: str) -> None:
    with pytest.raises(BadEnvironment, match=f"{old}: has a new name. Set {new} instead"):
        read_environment({**PRODUCTION, old: "5"})


def test_defaults_follow_from_other_variables() -> None:
    behind_pgbouncer = read_environment({**PRODUCTION, "LEADSWITCH_PGBOUNCER": "true"})
    assert (behind_pgbouncer.is_prepared, read_environment(PRODUCTION).is_prepared) == (False, True)
    assert not read_environment({**PRODUCTION, "DEBUG": "true"}).is_https
    assert read_environment(PRODUCTION).metrics_token == ""


def test_limits_are_read_under_their_names() -> None:
    environment = read_environment({**PRODUCTION, **{name: str(n) for n, name in enumerate(LIMITS, start=1)}})
    assert environment.rate_limits == {
        "buyer": (1, 2),
        "source": (3, 4),
        "admin": (5, 6),
        "ping": (17, 18),
        "whatif": (19, 20),
        "endpoint_test": (21, 22),
        "workspace": (15, 16),
    }
    assert environment.lead_tries_per_hour == {"sender": 7, "operator": 8}
    assert environment.watch == {
        "leader_check": 9,
        "canary": 10,
        "canary_late": 11,
        "overdue": 12,
        "overdue_leads": 13,
        "stalled": 14,
    }


def test_production_is_https_and_reads_every_value() -> None:
    environment = read_environment(PRODUCTION)
    assert environment.is_https
    assert not environment.debug
    assert environment.allowed_hosts[0] == "leads.example.com"
    assert (environment.secret_key, environment.identity_key) == (SECRET, SECRET)
    assert (environment.pickup_period_seconds, environment.transient_max_attempts) == (5, 20)
    assert not environment.locations.is_embedded


def test_embedded_installation_creates_its_secrets_once(tmp_path: Path) -> None:
    variables = {"LEADSWITCH_VAR_DIR": str(tmp_path), "LEADSWITCH_ENV_FILE": ""}
    first, second = read_environment(variables), read_environment(variables)
    assert len(first.secret_key) >= 50
    assert first.secret_key != first.identity_key
    assert (first.secret_key, first.identity_key) == (second.secret_key, second.identity_key)
    assert not first.is_https
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_env_file_gives_values_that_the_process_overrides(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("REDIS_URL=redis://one:6379/0\nLEADSWITCH_EMBEDDED_FSYNC=false\n")
    variables = {"LEADSWITCH_ENV_FILE": str(file), "REDIS_URL": "redis://two:6379/0"}
    locations = read_locations(variables)
    assert (locations.redis_url, locations.embedded_fsync) == ("redis://two:6379/0", False)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"DEBUG=false\nSECRET_KEY = not-for-logs\n", "line 2 of"),
        (b"\xef\xbb\xbfSECRET_KEY=not-for-logs\n", "line 1 of"),
        (b"not-for-logs\n", "line 1 of"),
        (b"\xff\xfenot-for-logs", "is not a text file"),
    ],
    ids=["spaces", "byte order mark", "no name", "binary"],
)
def test_env_file_with_an_unreadable_line_is_an_error_without_the_line(
    content: bytes, problem: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(content)
    with pytest.raises(BadEnvironment, match=problem) as raised:
        read_locations({"LEADSWITCH_ENV_FILE": str(file)})
    assert raised.value.variable == "LEADSWITCH_ENV_FILE"
    assert "not-for-logs" not in f"{raised.value} {caplog.text}"


def test_comments_and_empty_lines_of_the_env_file_are_skipped(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# comment\n\nexport REDIS_URL=redis://one:6379/0\n")
    assert read_locations({"LEADSWITCH_ENV_FILE": str(file)}).redis_url == "redis://one:6379/0"


def test_lower_case_name_in_the_env_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "leads.env"
    file.write_text("redis_url=redis://one:6379/0\n")
    with pytest.raises(BadEnvironment, match=r"^redis_url: no such variable\. Did you mean REDIS_URL\?"):
        read_locations({"LEADSWITCH_ENV_FILE": str(file)})


def test_env_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "leads.env"
    file.write_text("REDIS_URL=redis://one:6379/0\n")
    opened: list[str] = []
    real_open = io.open

    def count_open(name: Any, *args: Any, **kwargs: Any) -> Any:
        if str(name) == str(file):
            opened.append(str(name))
        return real_open(name, *args, **kwargs)

    monkeypatch.setattr("io.open", count_open)
    monkeypatch.setattr("builtins.open", count_open)
    assert read_locations({"LEADSWITCH_ENV_FILE": str(file)}).redis_url == "redis://one:6379/0"
    assert len(opened) == 1


def test_very_long_count_is_read_without_its_leading_zeros() -> None:
    environment = read_environment({**PRODUCTION, "LEADSWITCH_PICKUP_PERIOD_SECONDS": "0" * 5_000 + "7"})
    assert environment.pickup_period_seconds == 7


def test_misspelled_variable_in_the_env_file_is_an_error_too(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("LEADSWITCH_VARDIR=x\n")
    with pytest.raises(BadEnvironment, match="LEADSWITCH_VAR_DIR"):
        read_locations({"LEADSWITCH_ENV_FILE": str(file)})


@pytest.mark.parametrize(
    ("redis_url", "broker_url"),
    [
        ("redis://h:6379/3", "redis://h:6379/3"),
        ("unix:///tmp/x/redis.sock?db=2", "redis+socket:///tmp/x/redis.sock?virtual_host=2"),
        ("unix:///tmp/x/redis.sock", "redis+socket:///tmp/x/redis.sock?virtual_host=0"),
    ],
)
def test_celery_gets_the_same_redis(redis_url: str, broker_url: str) -> None:
    assert celery_broker_url(redis_url) == broker_url


def test_percent_encoded_host_is_a_socket_directory() -> None:
    settings = postgres_settings("postgres://leads@%2Fsrv%2Fx/leads")
    assert (settings["HOST"], settings["NAME"], settings["USER"]) == ("/srv/x", "leads", "leads")


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", MailServer()),
        ("smtp://mail.example.com", MailServer(host="mail.example.com", port=25)),
        (
            "smtp+tls://me%40example.com:p%2Fw@mail.example.com",
            MailServer("mail.example.com", 587, "me@example.com", "p/w", is_starttls=True),
        ),
        ("smtp+ssl://mail.example.com:4650", MailServer("mail.example.com", 4650, is_tls=True)),
    ],
)
def test_mail_server_is_read_from_its_url(url: str, server: MailServer) -> None:
    assert read_environment({"LEADSWITCH_ENV_FILE": "", "EMAIL_URL": url}).mail_server == server


def test_password_of_the_mail_server_is_not_shown() -> None:
    assert "secret" not in repr(read_mail_server("smtp://user:secret@mail.example.com"))


def test_allowed_networks_are_read_as_networks() -> None:
    networks = "10.20.0.0/16, 192.0.2.7,fd12:3456::/48,"
    environment = read_environment({**PRODUCTION, "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": networks})
    assert [str(each) for each in environment.outbound_allowed_networks] == [
        "10.20.0.0/16",
        "192.0.2.7/32",
        "fd12:3456::/48",
    ]
    assert read_environment(PRODUCTION).outbound_allowed_networks == ()
