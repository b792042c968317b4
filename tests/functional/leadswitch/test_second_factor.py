"""The second factor of the admin, with a browser's requests: set up, log in, recovery, reset."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from leadswitch.login.second_factor import KEY
from tests.support.factories import WorkspaceFactory
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

PASSWORD = "a right and long password"
SET_UP, CODE, HOME = "/admin/second-factor/set-up/", "/admin/second-factor/", "/admin/"


@pytest.fixture(autouse=True)
def fast_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(datetime.fromisoformat("2026-03-02T12:00:00+00:00"), tick=False) as clock:
        yield clock


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada", password=PASSWORD)


def app_code(user: User) -> str:
    return code_of(TOTPDevice.objects.get(user=user).key)


def code_of(key: str) -> str:
    totp = TOTP(bytes.fromhex(key))
    totp.time = datetime.now().timestamp()  # noqa: DTZ005 - the same instant in every zone
    return f"{totp.token():06d}"


def log_in(name: str = "ada", *, place: str = HOME) -> tuple[Client, Any]:
    client = Client()
    data = {"username": name, "password": PASSWORD, "next": place}
    return client, client.post("/admin/login/", data, follow=True)


def where(response: Any) -> str:
    return str(response.request["PATH_INFO"])


def set_up(user: User, clock: Any) -> list[str]:
    """Turn it on. Returns the recovery codes. The next code of the app is a new one."""
    client, _ = log_in(user.username)
    assert client.get(SET_UP).status_code == 200
    page = client.post(SET_UP, {"code": code_of(client.session[KEY])}).content.decode()
    clock.shift(timedelta(minutes=2))
    return re.findall(r"<li><code>([a-z0-9-]+)</code></li>", page)


@pytest.mark.usefixtures("clock")
def test_page_shows_a_qr_code_and_the_key(ada: User) -> None:
    client, _ = log_in()
    page = client.get(SET_UP).content.decode()
    assert "<svg" in page
    assert "style=" not in page
    key = client.session[KEY]
    client.get(SET_UP)
    assert client.session[KEY] == key
    wrong = client.post(SET_UP, {"code": "000000"})
    assert b"This code is wrong" in wrong.content
    assert not TOTPDevice.objects.exists()
    assert b"Your recovery codes" in client.post(SET_UP, {"code": code_of(key)}).content
    assert TOTPDevice.objects.get(user=ada).confirmed
    assert KEY not in client.session
    assert client.get(HOME).status_code == 200


def test_each_session_sets_up_its_own_key(ada: User, clock: Any) -> None:
    thief, _ = log_in()
    thief.get(SET_UP)
    seen = thief.session[KEY]
    set_up(ada, clock)
    assert TOTPDevice.objects.get(user=ada).key != seen
    thief.post(SET_UP, {"code": code_of(seen)})
    assert TOTPDevice.objects.filter(user=ada).count() == 1


def test_user_without_a_code_can_log_out(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    client, response = log_in()
    assert b'value="Log out"' in response.content
    assert client.post("/admin/logout/").status_code == 200
    assert "_auth_user_id" not in client.session


def test_pauses_are_hidden_before_the_second_factor(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    WorkspaceFactory(name="Acme", paused_at=timezone.now())
    client, response = log_in()
    assert b"Acme" not in response.content
    client.post(CODE, {"code": app_code(ada)})
    assert b"Acme is paused" in client.get(HOME).content


@pytest.mark.parametrize("place", ["/%09/[x", "//evil.example/admin/", "/%09/evil.example/admin/"])
def test_code_page_does_not_redirect_to_another_site(ada: User, clock: Any, place: str) -> None:
    set_up(ada, clock)
    client, _ = log_in()
    assert client.post(f"{CODE}?next={place}", {"code": app_code(ada)})["Location"] == HOME


def test_login_requires_a_code_and_redirects_to_the_page(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    client, response = log_in(place="/admin/routing/lead/")
    assert where(response) == CODE
    assert where(client.get("/admin/routing/lead/", follow=True)) == CODE
    assert where(client.get(SET_UP, follow=True)) == CODE
    asked = f"{CODE}?next=/admin/routing/lead/"
    assert client.post(asked, {"code": "000000"}).status_code == 200
    clock.shift(timedelta(minutes=2))
    assert client.post(asked, {"code": app_code(ada)})["Location"] == "/admin/routing/lead/"
    assert client.get("/admin/routing/lead/").status_code == 200


def test_code_works_once(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    code = app_code(ada)
    assert log_in()[0].post(CODE, {"code": code}).status_code == 302
    assert log_in()[0].post(CODE, {"code": code}).status_code == 200


def test_wrong_codes_are_delayed(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    client, _ = log_in()
    client.post(CODE, {"code": "000000"})
    assert client.post(CODE, {"code": app_code(ada)}).status_code == 200
    clock.shift(timedelta(minutes=2))
    assert client.post(CODE, {"code": app_code(ada)}).status_code == 302


def test_recovery_code_works_once_and_is_stored_as_a_hash(ada: User, clock: Any) -> None:
    codes = set_up(ada, clock)
    assert len(set(codes)) == 10
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == 10
    assert not kept & {each.replace("-", "")[:16] for each in codes}
    assert log_in()[0].post(CODE, {"code": codes[0].upper()}).status_code == 302
    assert log_in()[0].post(CODE, {"code": codes[0]}).status_code == 200


def test_renewed_codes_replace_the_old_and_keep_the_session(
    ada: User, clock: Any, settings: Settings
) -> None:
    settings.LEADSWITCH_SECOND_FACTOR = "superusers"
    codes = set_up(ada, clock)
    client, _ = log_in()
    client.post(CODE, {"code": codes[0]})
    assert "Create new recovery codes?" in client.post(SET_UP, {"codes": "1"}).content.decode()
    assert not AuditEntry.objects.filter(action="recovery_codes_renewed").exists()
    page = client.post(SET_UP, {"codes": "1", "sure": "yes"}).content.decode()
    assert client.get(HOME).status_code == 200
    assert log_in()[0].post(CODE, {"code": codes[1]}).status_code == 200
    clock.shift(timedelta(minutes=2))
    [renewed, *_] = re.findall(r"<li><code>([a-z0-9-]+)</code></li>", page)
    assert log_in()[0].post(CODE, {"code": renewed}).status_code == 302
    entry = AuditEntry.objects.get(action="recovery_codes_renewed")
    assert (entry.actor, entry.before, entry.after) == ("ada", {}, {})


@pytest.mark.parametrize(
    ("rule", "is_superuser", "is_asked"),
    [
        ("nobody", True, False),
        ("superusers", True, True),
        ("superusers", False, False),
        ("staff", False, True),
    ],
)
def test_required_second_factor_is_set_up_first(
    settings: Settings, rule: str, *, is_superuser: bool, is_asked: bool
) -> None:
    settings.LEADSWITCH_SECOND_FACTOR = rule
    User.objects.create_user("grace", password=PASSWORD, is_staff=True, is_superuser=is_superuser)
    assert where(log_in("grace")[1]) == (SET_UP if is_asked else HOME)


def test_required_second_factor_cannot_be_turned_off(ada: User, clock: Any, settings: Settings) -> None:
    set_up(ada, clock)
    client, _ = log_in()
    client.post(CODE, {"code": app_code(ada)})
    settings.LEADSWITCH_SECOND_FACTOR = "staff"
    client.post(SET_UP, {"off": "1", "sure": "yes"})
    assert TOTPDevice.objects.filter(user=ada).exists()
    settings.LEADSWITCH_SECOND_FACTOR = "nobody"
    assert "Turn off two-factor authentication?" in client.post(SET_UP, {"off": "1"}).content.decode()
    assert TOTPDevice.objects.filter(user=ada).exists()
    client.post(SET_UP, {"off": "1", "sure": "yes"})
    assert not TOTPDevice.objects.filter(user=ada).exists()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "second_factor_on",
        "second_factor_off",
    ]


def choose_to_reset(client: Client, *people: User) -> Any:
    """Choose the action in the list. Returns the confirmation page."""
    data = {"action": "reset_second_factor", "_selected_action": [user.pk for user in people]}
    return client.post(reverse("admin:auth_user_changelist"), data, follow=True)


def send_reset(client: Client, confirmation: Any, **form: str) -> Any:
    """Send the confirmation page as a browser does, with what it shows."""
    seen = confirmation.context["form"]["seen"].value()
    request = confirmation.request
    address = f"{request['PATH_INFO']}?{request['QUERY_STRING']}"
    return client.post(address, {"seen": seen, **form})


def test_superuser_resets_another_users_second_factor(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    root = User.objects.create_superuser("root", password=PASSWORD)
    client, _ = log_in("root")
    confirmation = choose_to_reset(client, ada, root)
    content = confirmation.content.decode()
    assert "recovery codes of 1 person will be removed" in content
    assert "<li>root: this is you" in content
    assert TOTPDevice.objects.filter(user=ada).exists(), "choosing the action resets nothing"

    assert send_reset(client, confirmation, reason=" ").status_code == 400
    assert TOTPDevice.objects.filter(user=ada).exists(), "a reason is required"

    assert send_reset(client, confirmation, reason="lost the phone").status_code == 302
    entry = AuditEntry.objects.get(action="second_factor_reset")
    assert (entry.actor, entry.object_id, entry.reason) == ("root", str(ada.pk), "lost the phone")
    assert not StaticToken.objects.exists()
    assert where(log_in()[1]) == HOME


def test_second_factor_that_was_set_up_after_the_question_is_not_reset(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    User.objects.create_superuser("root", password=PASSWORD)
    client, _ = log_in("root")
    confirmation = choose_to_reset(client, ada)
    TOTPDevice.objects.all().delete()
    new = TOTPDevice.objects.create(user=ada, name="app")

    answer = send_reset(client, confirmation, reason="lost the phone")

    assert answer.status_code == 400
    assert "The data changed after you opened this page." in answer.content.decode()
    assert list(TOTPDevice.objects.all()) == [new]
    assert not AuditEntry.objects.filter(action="second_factor_reset").exists()


def test_own_second_factor_is_not_reset(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    client, _ = log_in()
    client.post(CODE, {"code": app_code(ada)})
    confirmation = choose_to_reset(client, ada)
    assert "Nothing to do." in confirmation.content.decode()
    send_reset(client, confirmation, reason="lost the phone")
    assert TOTPDevice.objects.filter(user=ada).exists()


def test_plain_administrator_cannot_reset_it(ada: User, clock: Any) -> None:
    set_up(ada, clock)
    page = reverse("admin:auth_user_changelist")
    client = Client()
    clerk = User.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    client.post(page, {"action": "reset_second_factor", "_selected_action": [ada.pk]})
    confirmation = f"{reverse('admin:auth_user_reset_second_factor')}?ids={ada.pk}"
    assert client.post(confirmation, {"reason": "lost the phone"}).status_code == 403
    assert TOTPDevice.objects.filter(user=ada).exists()


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    "place", ["/nowhere/", "/admin/nowhere/", "/admin/logout/", "/api/nothing/", "/admin/login/"]
)
def test_next_that_is_not_a_page_is_replaced_by_the_home_page(place: str) -> None:
    assert where(log_in(place=place)[1]) == HOME


def test_keys_have_no_page(admin_client: Client) -> None:
    assert admin_client.get("/admin/otp_totp/totpdevice/").status_code == 404
    assert admin_client.get("/admin/otp_static/staticdevice/").status_code == 404
