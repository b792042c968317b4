"""The base of every page: who looks at it, what that person may do, and the headers of the answer."""

from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views import View

from distribution.models import Buyer, PortalSession, PortalUser
from distribution.offers.queries import count_open_offers
from distribution.portal.cookies import read_session
from distribution.portal.wording import DONE
from routing.calendar.zones import UnknownTimezone, load_zone

READS: Final = ("GET", "HEAD")
# Names of pages, their labels, and whether a phone shows them at the bottom.
NAVIGATION: Final = (
    ("portal-home", "Home", True),
    ("portal-offers", "Offers", True),
    ("portal-leads", "Leads", True),
    ("portal-missed", "Missed", True),
    ("portal-wallet", "Wallet", False),
    ("portal-returns", "Returns", False),
    ("portal-settings", "Settings", False),
    ("portal-account", "Account", False),
)
UNDER_MORE: Final = frozenset(name for name, _, is_short in NAVIGATION if not is_short)


def protect(response: HttpResponseBase) -> None:
    """Nothing is kept by a browser or a proxy, and no other site learns an address of the portal."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"


class OpenPage(View):
    """A page without a session: signing in."""

    http_method_names = ["get", "head", "post"]
    at: datetime

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.at = datetime.now(UTC)
        response = self.answer(request, *args, **kwargs)
        protect(response)
        return response

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, **kwargs)

    def show(self, template: str, context: dict[str, Any], *, status: int = HTTPStatus.OK) -> HttpResponse:
        done = DONE.get(self.request.GET.get("done", ""), "")
        return render(self.request, f"portal/{template}.html", {"done": done, **context}, status=status)


class SessionPage(OpenPage):
    """A page for a person who is signed in, even before a buyer is chosen."""

    session: PortalSession

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        session = read_session(request, at=self.at)
        if session is None:
            return HttpResponseRedirect(reverse("portal-sign-in"))
        self.session = session
        return self.answer_session(request, *args, **kwargs)

    def answer_session(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().answer(request, *args, **kwargs)


class PortalPage(SessionPage):
    """A page about the buyer of the session. Times are shown in the buyer's time zone.

    `section`: the entry of the navigation. Only managers may send a form, unless `is_for_viewers`.
    """

    section: ClassVar[str] = ""
    is_for_viewers: ClassVar[bool] = False
    user: PortalUser

    @property
    def buyer(self) -> Buyer:
        return self.user.buyer

    @cached_property
    def open_offers(self) -> int:
        """Read by the pages that show it, once."""
        return count_open_offers(self.buyer)

    @property
    def zone(self) -> ZoneInfo:
        try:
            return load_zone(self.buyer.timezone)
        except UnknownTimezone:
            return ZoneInfo("UTC")

    def answer_session(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if self.session.user is None:
            return HttpResponseRedirect(reverse("portal-choose"))
        self.user = self.session.user
        with timezone.override(self.zone):
            if not (request.method in READS or self.is_for_viewers or self.user.is_manager):
                return self.show_page("viewer", {}, status=HTTPStatus.FORBIDDEN)
            return super().answer_session(request, *args, **kwargs)

    def show_page(
        self, template: str, context: dict[str, Any], *, status: int = HTTPStatus.OK
    ) -> HttpResponse:
        around = {
            "user": self.user,
            "buyer": self.buyer,
            "agency": self.buyer.workspace,
            "section": self.section,
            "navigation": NAVIGATION,
            "is_under_more": self.section in UNDER_MORE,
            "can_change": self.user.is_manager,
            "view": self,
        }
        return self.show(template, {**around, **context}, status=status)
