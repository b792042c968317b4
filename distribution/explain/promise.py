"""What the source of a lead was promised by its ping, in a sentence for operators."""

from routing.models import Lead
from tracing import wording


def describe_promise(lead: Lead) -> str:
    """Return the price, when it was asked for and used, and how long it is promised; "" for a lead without a ping."""
    ping = lead.ping
    if ping is None or ping.price_cents is None:
        return ""
    ends_at = lead.received_at + (ping.expires_at - ping.created_at)
    waited = (lead.received_at - ping.created_at).total_seconds()
    return (
        f"{wording.money(ping.price_cents)} was promised to its source at {wording.moment(ping.created_at)}."
        f" The lead came {waited:,.1f} s later. It was promised until {wording.moment(ends_at)}."
    )
