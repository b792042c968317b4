"""Signing in to the portal with a link in an email."""

import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from distribution.buyers import portal_links
from distribution.buyers.portal_links import LINKS_PER_ADDRESS, LINKS_PER_NETWORK, owe_invitation
from distribution.models import PortalLink, PortalSession, PortalUser
from distribution.portal.cookies import COOKIE
from leadswitch.beat_schedule import make_beat_schedule
from leadswitch.tasks import mail_portal_links
from tests.support.factories import PortalUserFactory
from tests.support.mail_server import Mailbox
from tests.support.portal import read_link, send_mails, session_text, signed_in
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

SIGN_IN = "/portal/sign-in/"


@pytest.fixture
def user() -> PortalUser:
    return PortalUserFactory(email="dana@atlas.example", name="Dana Price", buyer__name="Atlas Roofing")


def ask(client: Client, email: str, **extra: str) -> int:
    return client.post(SIGN_IN, {"email": email}, **extra).status_code  # type: ignore[arg-type]


def test_person_signs_in_with_the_link_of_the_email(user: PortalUser, mailbox: Mailbox) -> None:
    client = Client()
    answer = client.post(SIGN_IN, {"email": " Dana@Atlas.example "})
    assert (answer.status_code, answer["Location"]) == (302, "/portal/sign-in/sent/")
    assert send_mails() == 1
    assert mailbox.recipients == ["dana@atlas.example"]
    assert mailbox.mails[-1][1]["Subject"] == "Your sign-in link for the leads of Atlas Roofing"
    link = read_link(mailbox)

    page = client.get(link)
    assert page.status_code == 200
    assert client.get("/portal/").status_code == 302  # to look at the link is not to sign in

    entered = client.post(link)
    assert (entered.status_code, entered["Location"]) == (302, "/portal/")
    cookie = entered.cookies[COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/portal/", True, "Lax")
    assert "Atlas Roofing" in client.get("/portal/").content.decode()
    user.refresh_from_db()
    assert user.last_signed_in_at is not None
    entry = AuditEntry.objects.get(model="distribution.portaluser")
    assert (entry.actor, entry.action, entry.workspace_id) == (
        "portal Dana Price",
        "signed_in",
        user.buyer.workspace_id,
    )


def test_worker_mails_what_waits(user: PortalUser, mailbox: Mailbox) -> None:
    ask(Client(), user.email)
    task = mail_portal_links
    assert (
        make_beat_schedule({}, pickup_period_seconds=5, sends_digest=False)["mail-portal-links"]["task"]
        == task.name
    )
    task()
    assert mailbox.recipients == [user.email]


def test_database_has_only_hashes_of_link_and_session(user: PortalUser, mailbox: Mailbox) -> None:
    client = Client()
    ask(client, user.email)
    send_mails()
    link = read_link(mailbox)
    token = link.split("/")[3]
    client.post(link)
    text = client.cookies[COOKIE].value

    stored = [*PortalLink.objects.values(), *PortalSession.objects.values()]
    assert not [row for row in stored if token in str(row) or text in str(row)]


def test_link_works_once(user: PortalUser, mailbox: Mailbox) -> None:
    ask(Client(), user.email)
    send_mails()
    link = read_link(mailbox)
    assert Client().post(link).status_code == 302

    other = Client()
    assert (other.get(link).status_code, other.post(link).status_code) == (404, 404)
    assert COOKIE not in other.cookies
    assert PortalSession.objects.count() == 1


def test_link_is_too_old_after_15_minutes(user: PortalUser, mailbox: Mailbox) -> None:
    ask(Client(), user.email)
    send_mails()
    link = read_link(mailbox)
    PortalLink.objects.update(expires_at=timezone.now())

    assert (Client().get(link).status_code, Client().post(link).status_code) == (404, 404)
    sent = PortalLink.objects.get()
    assert sent.used_at is None


def test_link_expires_15_minutes_after_it_was_mailed(user: PortalUser, mailbox: Mailbox) -> None:  # noqa: ARG001
    ask(Client(), user.email)
    send_mails()

    link = PortalLink.objects.get()
    assert link.expires_at is not None
    assert link.claimed_at is not None
    assert link.expires_at - link.claimed_at == timedelta(minutes=15)


@pytest.mark.parametrize("token", ["x", "A" * 43, "é" * 20, "." * 300])
def test_invented_token_is_refused(token: str) -> None:
    assert Client().get(f"/portal/enter/{token}/").status_code == 404
    assert Client().post(f"/portal/enter/{token}/").status_code == 404
    assert not PortalSession.objects.exists()


def test_unknown_address_gets_the_same_answer_and_no_email(user: PortalUser, mailbox: Mailbox) -> None:
    known, unknown = (
        Client().post(SIGN_IN, {"email": user.email}),
        Client().post(SIGN_IN, {"email": "nobody@example.com"}),
    )
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert send_mails() == 1
    assert mailbox.recipients == [user.email]
    assert sorted(PortalLink.objects.values_list("email", flat=True)) == ["", user.email]


@pytest.mark.parametrize(
    "typed", ["", "dana", "dana@", "a@b@c", "x" * 400 + "@example.com", "d na@example.com"]
)
def test_text_that_is_no_address_is_refused(typed: str, mailbox: Mailbox) -> None:  # noqa: ARG001
    answer = Client().post(SIGN_IN, {"email": typed})
    assert answer.status_code == 400
    assert "Enter your email address" in answer.content.decode()
    assert not PortalLink.objects.exists()


@pytest.mark.parametrize("email", ["dana@atlas.example", "nobody@example.com"])
def test_requests_for_one_address_are_limited(email: str, user: PortalUser, mailbox: Mailbox) -> None:  # noqa: ARG001
    statuses = [ask(Client(), email, REMOTE_ADDR=f"192.0.2.{n}") for n in range(LINKS_PER_ADDRESS + 1)]
    assert statuses == [302] * LINKS_PER_ADDRESS + [429]
    assert PortalLink.objects.count() == LINKS_PER_ADDRESS
    assert ask(Client(), "other@example.com", REMOTE_ADDR="192.0.2.1") == 302


def test_requests_from_one_network_are_limited(mailbox: Mailbox) -> None:  # noqa: ARG001
    client = Client(REMOTE_ADDR="2001:db8:1:2::1")
    statuses = [ask(client, f"person-{n}@example.com") for n in range(LINKS_PER_NETWORK)]
    assert statuses == [302] * LINKS_PER_NETWORK

    answer = client.post(SIGN_IN, {"email": "late@example.com"}, REMOTE_ADDR="2001:db8:1:2::ffff")
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")
    assert ask(Client(), "late@example.com", REMOTE_ADDR="2001:db8:1:3::1") == 302


def test_limit_ends_after_an_hour(user: PortalUser, mailbox: Mailbox) -> None:  # noqa: ARG001
    for n in range(LINKS_PER_ADDRESS):
        ask(Client(), user.email, REMOTE_ADDR=f"192.0.2.{n}")
    PortalLink.objects.update(requested_at=timezone.now() - timedelta(hours=1))

    assert ask(Client(), user.email) == 302


def test_without_a_mail_server_the_page_says_so(user: PortalUser, settings: object) -> None:
    settings.EMAIL_HOST = ""  # type: ignore[attr-defined]
    assert "cannot send emails" in Client().get(SIGN_IN).content.decode()
    assert ask(Client(), user.email) == 400
    assert not PortalLink.objects.exists()


def test_busy_mail_server_is_asked_again_with_another_link(user: PortalUser, mailbox: Mailbox) -> None:
    mailbox.busy = 1
    ask(Client(), user.email)
    assert send_mails() == 1
    assert mailbox.mails == []
    assert send_mails() == 0  # its claim lasts
    PortalLink.objects.update(claimed_at=timezone.now() - portal_links.CLAIM)

    assert send_mails() == 1
    assert mailbox.recipients == [user.email]
    assert Client().post(read_link(mailbox)).status_code == 302


def test_refused_mail_is_not_sent_again(user: PortalUser, mailbox: Mailbox) -> None:
    mailbox.refused.add(user.email)
    ask(Client(), user.email)
    assert send_mails() == 1
    PortalLink.objects.update(claimed_at=timezone.now() - portal_links.CLAIM)

    assert send_mails() == 0


def test_request_that_is_too_old_is_not_mailed(user: PortalUser, mailbox: Mailbox) -> None:
    ask(Client(), user.email)
    PortalLink.objects.update(requested_at=timezone.now() - timedelta(minutes=15))

    assert send_mails() == 0
    assert mailbox.mails == []


def test_invitation_names_agency_and_address_and_has_no_token(user: PortalUser, mailbox: Mailbox) -> None:
    owe_invitation(user, at=timezone.now())
    assert send_mails() == 1
    [(_, mail)] = mailbox.mails
    text = mail.get_content()
    assert "Atlas Roofing" in mail["Subject"]
    assert "https://leads.example.com/portal/sign-in/" in text
    assert user.email in text
    assert "/enter/" not in text


def test_logs_have_no_address(user: PortalUser, mailbox: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mailbox.busy = 1
    ask(Client(), user.email)
    send_mails()

    assert "portal.mail_not_sent" in caplog.text
    assert user.email not in str(
        [vars(record) for record in caplog.records if record.name.startswith("distribution")]
    )


def test_old_links_and_sessions_are_forgotten(user: PortalUser, mailbox: Mailbox) -> None:  # noqa: ARG001
    session_text(user)
    ask(Client(), user.email)
    PortalLink.objects.update(requested_at=timezone.now() - portal_links.KEPT - timedelta(seconds=1))
    PortalSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    send_mails()

    assert (PortalLink.objects.count(), PortalSession.objects.count()) == (0, 0)


class TestSessions:
    def test_ended_session_asks_to_sign_in(self, user: PortalUser) -> None:
        client = signed_in(user)
        assert client.get("/portal/").status_code == 200
        PortalSession.objects.update(expires_at=timezone.now())

        answer = client.get("/portal/")
        assert (answer.status_code, answer["Location"]) == (302, SIGN_IN)

    def test_sign_out_ends_this_session_alone(self, user: PortalUser) -> None:
        here, there = signed_in(user), signed_in(user)
        text = here.cookies[COOKIE].value
        answer = here.post("/portal/sign-out/")
        assert (answer.status_code, answer["Location"]) == (302, f"{SIGN_IN}?done=signed-out")

        stale = Client()
        stale.cookies[COOKIE] = text
        assert stale.get("/portal/").status_code == 302
        assert there.get("/portal/").status_code == 200

    def test_sign_out_everywhere_ends_every_session_of_the_address(self, user: PortalUser) -> None:
        other = PortalUserFactory()
        here, there, theirs = signed_in(user), signed_in(user), signed_in(other)
        here.post("/portal/sign-out/everywhere/")

        assert there.get("/portal/").status_code == 302
        assert theirs.get("/portal/").status_code == 200
        assert AuditEntry.objects.filter(action="signed_out_everywhere", object_id=str(user.pk)).count() == 1

    def test_removed_person_is_out_at_the_next_request(self, user: PortalUser) -> None:
        client = signed_in(user)
        user.delete()

        answer = client.get("/portal/leads/")
        assert (answer.status_code, answer["Location"]) == (302, SIGN_IN)

    def test_removed_person_keeps_the_other_buyer(self, user: PortalUser) -> None:
        other = PortalUserFactory(email=user.email, buyer__name="Birch Roofing")
        client = signed_in(user)
        user.delete()

        assert client.get("/portal/")["Location"] == "/portal/choose/"
        assert client.post("/portal/choose/", {"user": other.public_id}).status_code == 302
        assert "Birch Roofing" in client.get("/portal/").content.decode()

    def test_person_of_two_buyers_chooses(self, user: PortalUser, mailbox: Mailbox) -> None:
        other = PortalUserFactory(email=user.email, buyer__name="Birch Roofing")
        client = Client()
        ask(client, user.email)
        send_mails()
        client.post(read_link(mailbox))
        assert client.get("/portal/")["Location"] == "/portal/choose/"
        page = client.get("/portal/choose/").content.decode()
        assert "Atlas Roofing" in page
        assert "Birch Roofing" in page

        client.post("/portal/choose/", {"user": other.public_id})
        assert "Birch Roofing" in client.get("/portal/").content.decode()

    @pytest.mark.parametrize("typed", ["", "7", "00000000-0000-7000-8000-000000000000"])
    def test_buyer_of_another_address_cannot_be_chosen(self, typed: str, user: PortalUser) -> None:
        stranger = PortalUserFactory()
        client = signed_in(user)
        assert client.post("/portal/choose/", {"user": typed or stranger.public_id}).status_code == 404
        assert "Atlas Roofing" in client.get("/portal/").content.decode()

    def test_new_sign_in_ends_the_session_before_it(self, user: PortalUser, mailbox: Mailbox) -> None:
        client = signed_in(user)
        ask(client, user.email)
        send_mails()
        client.post(read_link(mailbox))

        assert PortalSession.objects.count() == 1

    def test_session_of_the_admin_opens_no_portal_page(self, ann: Client) -> None:
        assert ann.get("/portal/").status_code == 302

    def test_session_of_the_portal_opens_no_admin_page(self, user: PortalUser) -> None:
        assert signed_in(user).get("/admin/").status_code == 302

    def test_forms_need_the_token_against_forgery(self, user: PortalUser) -> None:
        client = Client(enforce_csrf_checks=True)
        client.cookies[COOKIE] = session_text(user)
        assert client.post("/portal/sign-out/").status_code == 403
        assert client.get("/portal/").status_code == 200

    def test_secure_cookie_behind_https(self, user: PortalUser, mailbox: Mailbox, settings: object) -> None:
        settings.SESSION_COOKIE_SECURE = True  # type: ignore[attr-defined]
        ask(Client(), user.email)
        send_mails()
        assert Client().post(read_link(mailbox)).cookies[COOKIE]["secure"]

    def test_pages_are_not_stored_and_stay_on_this_server(self, user: PortalUser) -> None:
        for client, path in (
            (signed_in(user), "/portal/"),
            (Client(), SIGN_IN),
            (Client(), "/portal/leads/"),
        ):
            headers = client.get(path).headers
            assert headers["Cache-Control"] == "no-store"
            assert headers["Referrer-Policy"] == "same-origin"
            assert headers["X-Frame-Options"] == "DENY"
            assert "script-src 'self'" in headers["Content-Security-Policy"]
