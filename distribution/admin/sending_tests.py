"""The page that sends a test to an endpoint, and shows the request and the raw answer."""

from datetime import datetime
from typing import Any, ClassVar, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from distribution.admin.delivery_texts import describe_texts
from distribution.deliveries.bidding.sample import TestPing
from distribution.deliveries.sample import (
    LiveAddressNotConfirmed,
    find_address_to_confirm,
    send_test_lead,
)
from distribution.deliveries.tried import Tried
from distribution.models import Endpoint, TryOutcome
from tracing.admin.confirming import ConfirmingAdmin, preserve_list_filters
from tracing.wording import duration

TEST: Final = "test"
LIVE_ADDRESS: Final = "live_address"
NOT_SENT: Final = "Nothing was sent. Check the box below to send it to the live address."


class ChoiceRefused(ValueError):
    """Nothing was sent. The message says what to choose."""


class TestPageAdmin(ConfirmingAdmin):
    """The last of the three texts says where a test arrives if there is no test URL."""

    __test__ = False  # no test of pytest
    test_button: ClassVar[str] = "Send a test lead"
    test_line: ClassVar[str] = (
        "An invented lead, marked as a test, is sent now. Nothing is charged or counted."
    )
    test_place: ClassVar[str] = (
        "This endpoint has no test URL. The lead arrives where the buyer's leads arrive."
    )

    def send_test(self, request: HttpRequest, endpoint: Endpoint, *, at: datetime) -> Tried | TestPing:
        """Raises LiveAddressNotConfirmed and ChoiceRefused."""
        return send_test_lead(endpoint, at=at, confirmed_address=request.POST.get(LIVE_ADDRESS, ""))

    def describe_test(self, tried: Any) -> str:
        """What became of it, in one line."""
        return describe_outcome(tried)

    def describe_choice(self, request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:  # noqa: ARG002
        """What the page asks for besides the address."""
        return {}

    def show_test(self, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
        """A page with the request and the answer follows. The live address needs a checked box that names it."""
        tried, problem = None, ""
        if request.method == "POST":
            try:
                tried = self.send_test(request, endpoint, at=timezone.now())
            except LiveAddressNotConfirmed:
                problem = NOT_SENT
            except ChoiceRefused as refusal:
                problem = f"Nothing was sent. {refusal}"
        endpoint.refresh_from_db(fields=["method", "url", "test_url", "email_to"])
        change = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[endpoint.pk])
        context = {
            **self.admin_site.each_context(request),
            "title": f"{self.test_button}: {endpoint}",
            "opts": self.opts,
            "line": self.test_line,
            "place": self.test_place,
            "button": self.test_button,
            "problem": problem,
            "test_address": endpoint.test_address,
            "live_address": find_address_to_confirm(endpoint),
            "field": LIVE_ADDRESS,
            "outcome": None if tried is None else self.describe_test(tried),
            "texts": [] if tried is None else describe_texts(tried.texts),
            "back": preserve_list_filters(self, request, change),
            **self.describe_choice(request, endpoint),
        }
        status = 400 if problem else 200
        return TemplateResponse(request, "admin/leadswitch/test_delivery.html", context, status=status)


def describe_outcome(tried: Tried) -> str:
    judgment = tried.judgment
    outcome = TryOutcome(judgment.outcome.value).label.capitalize()
    detail = judgment.reason or judgment.error
    return f"{outcome}{f': {detail}' if detail else ''} ({duration(tried.duration_ms)})"
