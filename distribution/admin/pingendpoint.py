"""Where buyers are asked for bids."""

from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from distribution.admin.endpoint import CHANGE_PERMISSION, EndpointAdmin, EndpointForm
from distribution.admin.endpoint_typed import HEADERS
from distribution.admin.sending_tests import LIVE_ADDRESS
from distribution.deliveries.bidding.sample import TestPing, send_test_ping
from distribution.deliveries.payloads.bids import BidOutcome
from distribution.models import Endpoint, Method, PingEndpoint, Purpose
from tracing.admin.audited import REASON
from tracing.wording import duration, money

TEMPLATE_HELP: Final = (
    'What is sent: names in the buyer\'s system, and fields of the partial lead, e.g. {"Zip": "{zip}"}:'
    " zip, zip3, city, county, state, country, vertical, attributes, attributes.roof_age, campaign, buyer, is_test and"
    " message_id. Contact data is refused. Which fields have a value is set in the campaign. Empty: all of"
    " them. Stored encrypted."
)
HELP: Final = {
    "buyer": "The buyer that is asked for bids.",
    "campaign": "Only auctions of this campaign. Empty: auctions of all of the buyer's campaigns.",
    "name": "E.g. Bids of the CRM. A buyer's endpoints have different names.",
    "url": "The https address that is asked. It must be a public address.",
    "test_url": "The address that is asked about test leads. Empty: it is not asked about them.",
    "accept_term": "An answer with status 2xx is a bid only if it contains this text. Empty: every 2xx with a price.",
    "accept_path": "Where the answer says so, e.g. result.status or /response/status. Empty: the whole answer.",
    "price_path": "Where the answer gives the bid, e.g. result.price or /response/price.",
    "reason_path": "Where the answer says why it does not bid, e.g. result.message.",
    "timeout_seconds": "How long to wait for the answer, 1 to 60 seconds. A bid after the campaign's bid deadline is"
    " stored as late and never wins.",
    "max_in_flight": "How many requests may run at once, 1 to 100. In an auction beyond that the buyer is not asked.",
    "active": "Turn it off to ask this buyer no more.",
}
OUTCOMES: Final = {
    BidOutcome.BID: "A bid",
    BidOutcome.NO_BID: "No bid",
    BidOutcome.REFUSED: "Refused",
    BidOutcome.TIMEOUT: "No answer in time",
    BidOutcome.ERROR: "No bid could be read",
}


class PingEndpointForm(EndpointForm):
    """A custom HTTP request, always."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.method, self.instance.purpose = Method.HTTP, Purpose.PING
        if "price_path" in self.fields:
            self.fields["price_path"].required = True


@admin.register(PingEndpoint)
class PingEndpointAdmin(EndpointAdmin):
    form = PingEndpointForm
    change_list_template = "admin/distribution/pingendpoint/change_list.html"
    list_display = ("name", "buyer", "campaign", "standing", "succeeded", "failing")
    list_filter = ("active", "disabled_reason", "workspace")
    empty_list_text = "No buyer is asked for bids. Add a ping endpoint for each buyer that bids in auctions."
    instead_of_deleting = "Uncheck Active on its page instead. Its bids are kept."
    fieldsets = (
        (None, {"fields": ("buyer", "campaign", "name", "active", "standing")}),
        ("Address", {"fields": ("url", "test_url", "http_method")}),
        ("Message", {"fields": ("body_format", "template", "header_names", HEADERS)}),
        (
            "Answer",
            {
                "fields": (
                    *("accept_term", "accept_path", "price_path", "price_unit"),
                    *("reason_path", "bid_id_path", "answer_format"),
                )
            },
        ),
        ("Limits", {"fields": ("timeout_seconds", "max_in_flight")}),
        (None, {"fields": ("succeeded", "failing", "public_id", "created_at", REASON)}),
    )
    test_button = "Ask for a test bid"
    test_line = "It is asked about an invented lead, marked as a test. Nothing is sold or stored."
    test_place = "This endpoint has no test URL. The buyer's system is asked as in an auction."

    def send_test(self, request: HttpRequest, endpoint: Endpoint, *, at: datetime) -> TestPing:
        """Raises LiveAddressNotConfirmed."""
        return send_test_ping(endpoint, at=at, confirmed_address=request.POST.get(LIVE_ADDRESS, ""))

    def describe_test(self, tried: TestPing) -> str:
        reading, latency_ms = tried.asked.reading, tried.asked.latency_ms
        parts = ["" if reading.cents is None else f"of {money(reading.cents)}", _name_id(reading.bid_id)]
        text = " ".join([OUTCOMES[reading.outcome], *filter(None, parts)])
        return f"{text}{f': {reading.reason}' if reading.reason else ''} ({duration(latency_ms)})"

    def of_purpose(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows

    def list_page_links(self, row: Any, *, request: HttpRequest) -> list[dict[str, str]]:
        """It has bids and no deliveries."""
        if not request.user.has_perm("distribution.view_offer"):
            return []
        url = f"{reverse('admin:distribution_bid_changelist')}?buyer={row.buyer_id}"
        return [{"title": "Bids", "url": url}]

    def _read_typed(self, request: HttpRequest, row: Any, *, name: str, text: str) -> tuple[Any, Any]:
        """A row that is being added is none of an endpoint for leads."""
        row.method, row.purpose = Method.HTTP, Purpose.PING
        return super()._read_typed(request, row, name=name, text=text)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "template":
            field.help_text = TEMPLATE_HELP
        elif db_field.name in HELP:
            field.help_text = HELP[db_field.name]
        return field

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm("distribution.view_endpoint")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("distribution.add_endpoint")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm(CHANGE_PERMISSION)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm("distribution.delete_endpoint")


def _name_id(bid_id: str) -> str:
    return f"with the id {bid_id}" if bid_id else ""
