"""The body of a signed webhook: {"type", "timestamp", "data"}, smaller than 20 kB. An event has an id as well."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from distribution.deliveries.payloads.lead import (
    DeliveredLead,
    describe_lead,
    describe_sale,
    make_plain,
    write_time,
)

CONTENT_TYPE: Final = "application/json"
LEAD_DELIVERY: Final = "lead.delivery"
# Standard Webhooks recommends less than 20 kB; many receivers refuse more.
LARGEST_BODY: Final = 19_999


class PayloadTooLarge(Exception):
    """The body does not fit. Only events of other parts can cause this: the body of a lead is shortened."""


def write_event(
    kind: str, *, event_id: str, at: datetime, data: Mapping[str, Any], is_test: bool = False
) -> bytes:
    """`at`: when it happened, not when it is sent: every try sends the same bytes. Raises PayloadTooLarge."""
    marked = {"is_test": is_test, **make_plain(data)}
    body = _write(kind, at=at, data=marked, event_id=event_id)
    if len(body) > LARGEST_BODY:
        message = f"{kind}: the body has {len(body)} bytes, more than {LARGEST_BODY}"
        raise PayloadTooLarge(message)
    return body


def write_lead(lead: DeliveredLead, *, at: datetime) -> bytes:
    """What makes the body too large is left out and named in `omitted`. A buyer fetches it from the API."""
    data: dict[str, Any] = {
        "is_test": lead.is_test,
        "assignment": describe_sale(lead.sale),
        "lead": describe_lead(lead),
        "omitted": [],
    }
    body = _write(LEAD_DELIVERY, at=at, data=data)
    for name, omit in OMISSIONS.items():
        if len(body) <= LARGEST_BODY:
            break
        omit(data["lead"])
        data["omitted"].append(name)
        body = _write(LEAD_DELIVERY, at=at, data=data)
    return body


def _omit_attributes(lead: dict[str, Any]) -> None:
    lead["attributes"] = None


def _omit_consent(lead: dict[str, Any]) -> None:
    lead["consent"] = None


# Attributes are up to 100 texts of 1,000 characters, and the text of a consent has up to 4,000. The rest always fit.
OMISSIONS: Final[Mapping[str, Callable[[dict[str, Any]], None]]] = {
    "lead.attributes": _omit_attributes,
    "lead.consent": _omit_consent,
}


def _write(kind: str, *, at: datetime, data: object, event_id: str = "") -> bytes:
    own_id = {"id": event_id} if event_id else {}
    document = {**own_id, "type": kind, "timestamp": write_time(at), "data": data}
    return orjson.dumps(document)
