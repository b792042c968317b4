"""Signing in to the portal under attack: forged forms, planted cookies, forged hosts, redirects to other sites."""

import pytest
from django.test import Client

from distribution.buyers.portal_links import make_link_token
from distribution.models import PortalLink, PortalSession, PortalUser
from distribution.portal.cookies import COOKIE
from routing.queries import read_clock
from tests.functional.portal.test_tenants import FORMS, OF_A_ROW, address, portal_routes, snapshot
from tests.support.factories import PortalUserFactory
from tests.support.mail_server import Mailbox
from tests.support.portal import send_mails, session_text
from tests.support.portal_scene import PortalScene, build_portal_scene

pytestmark = pytest.mark.django_db
OTHER = "https://evil.example"
# Everything that a browser can send as a form.
POSTED = [route for route in portal_routes() if route.path in {*FORMS, "portal/choose/"}]
OF_SIGNING_IN = ["/portal/sign-in/", "/portal/sign-out/", "/portal/sign-out/everywhere/"]


@pytest.fixture
def user() -> PortalUser:
    made: PortalUser = PortalUserFactory(email="dana@atlas.example", buyer__name="Atlas Roofing")
    return made


@pytest.fixture
def scene() -> PortalScene:
    return build_portal_scene()


def link_of(user: PortalUser) -> str:
    return f"/portal/enter/{make_link_token(user.email, at=read_clock())}/"


def strict(user: PortalUser) -> Client:
    """A browser that is signed in, on a page of another site."""
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = session_text(user)
    return client


@pytest.mark.parametrize("route", POSTED, ids=lambda route: route.path)
def test_forged_form_changes_nothing(route: object, scene: PortalScene) -> None:
    client = strict(scene.user)
    path = address(route, scene) if route.path in OF_A_ROW else route.url()  # type: ignore[arg-type, attr-defined]
    before = snapshot()
    answer = client.post(path, FORMS.get(route.path, {}))  # type: ignore[attr-defined]
    assert answer.status_code == 403
    assert snapshot() == before


@pytest.mark.parametrize("path", OF_SIGNING_IN)
def test_forged_form_does_not_sign_in_or_out(path: str, user: PortalUser) -> None:
    client = strict(user)
    assert client.post(path, {"email": user.email}).status_code == 403
    assert client.get("/portal/").status_code == 200
    assert not PortalLink.objects.exists()


def test_forged_form_does_not_use_a_link(user: PortalUser) -> None:
    """Or another site could sign its visitor in as the attacker, and read what the visitor enters."""
    client, link = Client(enforce_csrf_checks=True), link_of(user)
    assert client.post(link).status_code == 403
    assert not PortalSession.objects.exists()
    assert Client().post(link).status_code == 302


def test_cookie_that_was_planted_before_signing_in_opens_nothing_after_it(user: PortalUser) -> None:
    planted = "A" * 43
    victim, attacker = Client(), Client()
    victim.cookies[COOKIE] = attacker.cookies[COOKIE] = planted
    assert victim.post(link_of(user)).status_code == 302
    assert victim.cookies[COOKIE].value != planted
    assert attacker.get("/portal/").status_code == 302


def test_session_of_the_attacker_is_not_taken_over(user: PortalUser) -> None:
    """A planted session that is valid ends: the person is signed in as itself, in a session of its own."""
    attacker = PortalUserFactory(buyer__name="Evil Roofing")
    text = session_text(attacker)
    victim, other = Client(), Client()
    victim.cookies[COOKIE] = other.cookies[COOKIE] = text
    victim.post(link_of(user))
    assert "Atlas Roofing" in victim.get("/portal/").content.decode()
    assert other.get("/portal/").status_code == 302
    assert PortalSession.objects.get().email == user.email


@pytest.mark.parametrize("header", ["HTTP_HOST", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED"])
def test_link_does_not_contain_a_host_that_a_request_named(
    header: str, user: PortalUser, mailbox: Mailbox, settings: object
) -> None:
    settings.ALLOWED_HOSTS = ["*"]  # type: ignore[attr-defined]
    client = Client(**{header: "host=evil.example" if header == "HTTP_FORWARDED" else "evil.example"})
    assert client.post("/portal/sign-in/", {"email": user.email}).status_code == 302
    assert send_mails() == 1
    text = mailbox.mails[-1][1].get_content()
    assert "/portal/enter/" in text
    assert "evil" not in text


@pytest.mark.parametrize("name", ["next", "done", "return", "url"])
def test_no_parameter_leads_to_another_site(name: str, user: PortalUser, mailbox: Mailbox) -> None:  # noqa: ARG001
    client = Client()
    for path, data in (
        ("/portal/sign-in/", {"email": user.email}),
        (link_of(user), {}),
        ("/portal/choose/", {"user": user.public_id}),
        ("/portal/sign-out/", {}),
    ):
        answer = client.post(f"{path}?{name}={OTHER}", {**data, name: OTHER})
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/portal/"), path
        assert "evil" not in answer["Location"]


@pytest.mark.parametrize(
    "path", [f"/portal/?done={OTHER}", "//evil.example/portal/", "/portal//evil.example/"]
)
def test_address_names_no_other_site(path: str, user: PortalUser) -> None:
    client = Client()
    client.cookies[COOKIE] = session_text(user)
    answer = client.get(path)
    assert "evil" not in answer.headers.get("Location", "").removeprefix("/portal/")
    assert "evil" not in answer.content.decode()


def test_token_of_a_link_is_not_the_session(user: PortalUser) -> None:
    link = link_of(user)
    client = Client()
    client.cookies[COOKIE] = link.split("/")[3]
    assert client.get("/portal/").status_code == 302


def test_answers_for_known_and_unknown_addresses_are_the_same(user: PortalUser, mailbox: Mailbox) -> None:  # noqa: ARG001
    known, unknown = (
        Client().post("/portal/sign-in/", {"email": email}) for email in (user.email, "x@unknown.example")
    )
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    hidden = {"Set-Cookie", "Date"}
    assert {k: v for k, v in known.items() if k not in hidden} == {
        k: v for k, v in unknown.items() if k not in hidden
    }
    assert known.cookies.keys() == unknown.cookies.keys()
