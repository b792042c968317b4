"""Logging in to the admin: passwords cannot be guessed, and no response reveals which names exist."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django import Settings

from routing.models import Lead
from tests.support.factories import SourceFactory, issue_key
from tests.support.shown import find_shown

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-03-02T12:00:00+00:00")
HOME, ELSEWHERE = "203.0.113.9", "198.51.100.7"
RIGHT, WRONG = "a right and long password", "a wrong and long password"


@pytest.fixture(autouse=True)
def fast_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", password=RIGHT)


def log_in(name: str, password: str, *, address: str = HOME, client: Client | None = None) -> Any:
    return (client or Client()).post(
        "/admin/login/?next=/admin/", {"username": name, "password": password}, REMOTE_ADDR=address
    )


def fail(name: str, times: int, *, address: str = HOME, starts_at: datetime = AT) -> datetime:
    """Try wrong passwords, each after its delay. Returns the time of the last try."""
    at = starts_at
    for _ in range(times):
        at += timedelta(seconds=65)
        with time_machine.travel(at, tick=False):
            assert log_in(name, WRONG, address=address).status_code in {200, 429}
    return at


def status_at(at: datetime, name: str, password: str = RIGHT, *, address: str = HOME) -> int:
    with time_machine.travel(at, tick=False):
        return int(log_in(name, password, address=address).status_code)


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "http:///x"]
)
def test_foreign_next_is_replaced_by_the_home_page(place: str) -> None:
    answer = Client().post("/admin/login/", {"username": "ada", "password": RIGHT, "next": place})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


@pytest.mark.usefixtures("ada")
def test_name_is_locked_for_an_address_and_unlocked_later() -> None:
    last = fail("ada", 5)
    assert status_at(last + timedelta(seconds=1), "ada") == 429
    assert status_at(last + timedelta(minutes=14, seconds=59), "ada") == 429
    assert status_at(last + timedelta(seconds=1), "ada", address=ELSEWHERE) == 302
    assert status_at(last + timedelta(minutes=15, seconds=1), "ada") == 302


@pytest.mark.usefixtures("ada")
def test_right_password_resets_the_failures() -> None:
    last = fail("ada", 4)
    assert status_at(last + timedelta(seconds=65), "ada") == 302
    assert (
        status_at(fail("ada", 4, starts_at=last + timedelta(seconds=65)) + timedelta(seconds=65), "ada")
        == 302
    )


@pytest.mark.usefixtures("ada")
def test_second_failure_is_delayed_without_holding_a_thread() -> None:
    last = fail("ada", 2)
    assert status_at(last + timedelta(seconds=1), "ada") == 429
    assert status_at(last + timedelta(seconds=3), "ada") == 302
    assert status_at(fail("ada", 1, starts_at=last + timedelta(hours=1)), "ada") == 302


def test_lock_of_an_unknown_name_looks_the_same(ada: User) -> None:
    pages = []
    for name in (ada.username, "unknown-name"):
        at = fail(name, 5, address=ELSEWHERE if name == "ada" else HOME)
        with time_machine.travel(at + timedelta(seconds=5), tick=False):
            answer = log_in(name, RIGHT, address=ELSEWHERE if name == "ada" else HOME)
        pages.append((answer.status_code, answer["Retry-After"], answer.content))
    assert pages[0] == pages[1]
    assert pages[0][:2] == (429, "895")
    assert b"Wait 15 minutes, then log in again" in pages[0][2]


@pytest.mark.usefixtures("ada")
def test_many_addresses_lock_a_name_and_many_names_an_address(settings: Settings) -> None:
    settings.LEADSWITCH_LOGIN_FAILURES = 2
    with time_machine.travel(AT, tick=False):
        for number in range(20):
            log_in("ada", WRONG, address=f"198.51.100.{number}")
            log_in(f"name-{number}", WRONG, address=ELSEWHERE)
    soon = AT + timedelta(seconds=65)
    assert status_at(soon, "ada") == 429
    assert status_at(soon, "grace", address=ELSEWHERE) == 429
    assert status_at(soon, "grace") == 200


@pytest.mark.usefixtures("ada")
def test_one_ipv6_network_is_one_address() -> None:
    last = fail("ada", 5, address="2001:db8::1")
    assert status_at(last + timedelta(seconds=5), "ada", address="2001:db8::ffff:2") == 429
    assert status_at(last + timedelta(seconds=5), "ada", address="2001:db8:0:1::1") == 302


@pytest.mark.usefixtures("ada")
def test_ipv4_clients_of_a_dual_stack_socket_are_distinguished() -> None:
    last = fail("ada", 5, address="::ffff:192.0.2.1")
    assert status_at(last + timedelta(seconds=5), "ada", address="192.0.2.1") == 429
    assert status_at(last + timedelta(seconds=5), "ada", address="::ffff:192.0.2.2") == 302


def test_no_table_or_log_line_has_the_typed_values(caplog: pytest.LogCaptureFixture) -> None:
    fail("ada", 5)
    rows = json.dumps(list(AccessAttempt.objects.values()), default=str)
    for text in (rows, caplog.text):
        assert find_shown(["ada", HOME, WRONG], text) == []
    events = [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]
    assert events == ["login.failed"] * 5 + ["login.locked"]


@pytest.mark.usefixtures("ada")
def test_tries_are_counted_by_result() -> None:
    def counted() -> list[float]:
        results = ("failed", "locked", "refused", "succeeded")
        return [
            REGISTRY.get_sample_value("leadswitch_logins_total", {"result": each}) or 0 for each in results
        ]

    before = counted()
    last = fail("ada", 5)
    status_at(last + timedelta(seconds=5), "ada")
    status_at(last + timedelta(minutes=16), "ada")
    assert [now - was for now, was in zip(counted(), before, strict=True)] == [5, 1, 1, 1]


@pytest.mark.usefixtures("ada")
def test_command_unlocks_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    last = fail("ada", 5)
    with time_machine.travel(last, tick=False):
        call_command("unlock_login", "ADA")
    assert capsys.readouterr().out == "Unlocked.\n"
    assert status_at(last + timedelta(seconds=1), "ada") == 302


def test_keys_of_the_api_are_not_locked() -> None:
    key = issue_key(SourceFactory.create())
    last = fail("ada", 6)
    with time_machine.travel(last, tick=False):
        answer = Client().post(
            "/api/v1/leads/",
            {"email": "jo@example.com", "zip": "30312"},
            content_type="application/json",
            headers={"Authorization": f"Api-Key {key}"},
            REMOTE_ADDR=HOME,
        )
    assert (answer.status_code, Lead.objects.count()) == (201, 1)
