"""The cookie of a session. Only the portal's pages get it, and no script can read it."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from distribution.buyers.portal_sessions import find_session, session_time
from distribution.models import PortalSession

COOKIE: Final = "leadswitch_portal"
PATH: Final = "/portal/"
# A sign-in page that was opened from an email sends it, a form of another site does not.
SAME_SITE: Final = "Lax"


def read_session(request: HttpRequest, *, at: datetime) -> PortalSession | None:
    text = request.COOKIES.get(COOKIE, "")
    return find_session(text, at=at) if text else None


def set_cookie(response: HttpResponse, text: str) -> None:
    response.set_cookie(
        COOKIE,
        text,
        max_age=session_time(),
        path=PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=SAME_SITE,
    )


def delete_cookie(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, path=PATH, samesite=SAME_SITE)
