"""Why an endpoint fails, in words for the buyer whose system it is."""

from collections.abc import Mapping
from typing import Final

from distribution.deliveries.outbound import Failure
from distribution.models import Delivery, DeliveryState, DeliveryTry, Endpoint

NOT_ALLOWED: Final = "The address is not allowed. Use https:// and a host with public addresses."
CAUSES: Final[Mapping[str, str]] = {
    Failure.BAD_URL: "The address cannot be used. Correct it below.",
    Failure.BAD_HEADER: "A header cannot be sent. Correct it in the API, or ask your agency.",
    Failure.REFUSED_ADDRESS: NOT_ALLOWED,
    Failure.UNKNOWN_HOST: "The host name has no address. Check its spelling.",
    Failure.CONNECT_TIMEOUT: "Your system let no connection in. Check that it is up and not behind a firewall.",
    Failure.CONNECT_FAILED: "Your system refused the connection. Check that its service is running.",
    Failure.TLS_FAILED: "No secure connection. Check the certificate of your system.",
    Failure.CONNECTION_CUT: "The connection ended before the answer was complete.",
    Failure.ANSWER_TIMEOUT: "Your system did not answer in time.",
    Failure.BODY_TIMEOUT: "The answer of your system was not complete in time.",
    Failure.MALFORMED: "The answer of your system is not valid HTTP.",
    Failure.BAD_ENCODING: "The answer of your system is compressed in a way that was not asked for.",
}


def describe_failure(endpoint: Endpoint) -> str:
    """The cause of the last try of the lead that is sent next. Blank if it does not fail, or no lead waits."""
    if endpoint.failing_since is None:
        return ""
    waiting = Delivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING, tries__gt=0)
    delivery = waiting.order_by("next_try_at", "pk").first()
    tried = None if delivery is None else delivery.requests.order_by("-number").first()
    return "" if tried is None else describe_try(tried)


def describe_try(tried: DeliveryTry) -> str:
    if tried.error in CAUSES:
        return CAUSES[tried.error]
    return f"Your system answered {tried.status_code}." if tried.status_code else ""
