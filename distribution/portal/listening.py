"""The live stream of offers for a browser that is signed in. `manage.py streams` serves it at the address below."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.urls import reverse

from distribution.buyers.portal_sessions import find_session
from distribution.offers.reader import Reader
from distribution.portal.cookies import COOKIE
from distribution.portal.pages import PortalPage


class OfferStreamPage(PortalPage):
    """Reached only if no proxy sends this address to the streams. A browser does not ask again after this answer."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


def find_stream_address() -> str:
    return f"{settings.LEADSWITCH_STREAMS_URL}{reverse('portal-offer-stream')}"


def find_session_reader(headers: Mapping[str, str]) -> Reader | None:
    """The session that the cookie names, for the buyer that it looks at. It ends when the person looks at another."""
    text = parse_cookie(headers.get("cookie", "")).get(COOKIE, "")
    session = find_session(text, at=datetime.now(UTC)) if text else None
    if session is None or session.user is None:
        return None
    buyer_id = session.user.buyer_id
    return Reader(buyer_id, f"session:{session.pk}", lambda: _find_buyer_id(text) == buyer_id)


def _find_buyer_id(text: str) -> int | None:
    session = find_session(text, at=datetime.now(UTC))
    return None if session is None or session.user is None else session.user.buyer_id
