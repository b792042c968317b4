"""A person who is signed in to the portal, and the mails that it sent."""

import re
from datetime import UTC, datetime
from functools import partial

from django.test import Client

from distribution.buyers.portal_sessions import choose_buyer, find_session, start_session
from distribution.models import PortalUser
from distribution.portal.cookies import COOKIE
from distribution.portal.mails import send_due_mails
from tests.support.mail_server import Mailbox

LINK = re.compile(r"https?://[^/]+(/portal/enter/[^/\s]+/)")
AT = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


def session_text(user: PortalUser) -> str:
    """The text of a new session's cookie, for this buyer of the address."""
    at = datetime.now(UTC)
    text = start_session(user.email, at=at)
    assert text is not None
    session = find_session(text, at=at)
    assert session is not None
    if session.user_id != user.pk:
        assert choose_buyer(session, user.public_id, at=at)
    return text


def signed_in(user: PortalUser) -> Client:
    client = Client()
    client.cookies[COOKIE] = session_text(user)
    return client


def send_mails() -> int:
    """What the worker does."""
    return send_due_mails(clock=partial(datetime.now, UTC))


def read_link(mailbox: Mailbox) -> str:
    """The path of the newest link."""
    found = LINK.search(mailbox.mails[-1][1].get_content())
    assert found is not None
    return found[1]
