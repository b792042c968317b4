"""A lead as ADF XML 1.0, which the systems of car dealers read: elements and their order as in the DTD of ADF.

Vehicle, timeframe and comments come from attributes, whose names differ between sources.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import Final

from distribution.deliveries.payloads.elements import DECLARATION, escape_text, write_element
from distribution.deliveries.payloads.expressions import write_text
from distribution.deliveries.payloads.lead import DeliveredLead, make_plain
from routing.values.attributes import flatten_attributes

INSTRUCTION: Final = '<?adf version="1.0"?>\n'
# The elements of a vehicle in the order of the DTD. An attribute is vehicle_year, vehicle.year, car_year or year.
VEHICLE: Final = ("year", "make", "model", "vin", "stock", "trim")
PREFIXES: Final = ("vehicle_", "vehicle.", "car_", "")
REQUIRED_OF_VEHICLE: Final = ("year", "make", "model")
INTERESTS: Final = ("buy", "lease", "sell", "trade-in", "test-drive")
CONDITIONS: Final = ("new", "used")
TIMEFRAME: Final = ("timeframe", "purchase_timeframe")
COMMENTS: Final = ("comments", "comment", "message", "notes")


def write_adf(lead: DeliveredLead, *, zone: tzinfo, vendor_email: str = "") -> str:
    """Always well-formed. What the lead lacks is an empty element."""
    found = _list_texts(lead)
    prospect = [
        write_element("id", escape_text(lead.lead_id), {"sequence": "1", "source": "LeadSwitch"}),
        write_element("requestdate", lead.received_at.astimezone(zone).isoformat(timespec="seconds")),
        _write_vehicle(found),
        _write_customer(lead, found),
        _write_vendor(lead.buyer, vendor_email),
        write_element("provider", _write_name(lead.sale.campaign, "full")),
    ]
    adf = write_element("adf", write_element("prospect", "".join(prospect), {"status": "new"}))
    return DECLARATION + INSTRUCTION + adf


def _list_texts(lead: DeliveredLead) -> dict[str, str]:
    flat = flatten_attributes(make_plain(lead.attributes), prefix="")
    return {name.lower(): text for name, value in flat.items() if (text := write_text(value).strip())}


def _find(found: Mapping[str, str], names: Iterable[str]) -> str:
    return next((found[name] for name in names if found.get(name)), "")


def _find_of_vehicle(found: Mapping[str, str], name: str) -> str:
    return _find(found, (prefix + name for prefix in PREFIXES))


def _choose(found: Mapping[str, str], name: str, *, known: tuple[str, ...]) -> str:
    """The first of the known values is the usual one of the DTD."""
    value = re.sub(r"[\s_]+", "-", _find_of_vehicle(found, name).lower())
    return value if value in known else known[0]


def _write_vehicle(found: Mapping[str, str]) -> str:
    values = {name: _find_of_vehicle(found, name) for name in VEHICLE}
    content = "".join(
        write_element(name, escape_text(value))
        for name, value in values.items()
        if value or name in REQUIRED_OF_VEHICLE
    )
    attributes = {
        "interest": _choose(found, "interest", known=INTERESTS),
        "status": _choose(found, "status", known=CONDITIONS),
    }
    return write_element("vehicle", content, attributes)


def _write_customer(lead: DeliveredLead, found: Mapping[str, str]) -> str:
    content = write_element("contact", "".join(_write_contact(lead)))
    if timeframe := _find(found, TIMEFRAME):
        content += write_element("timeframe", write_element("description", escape_text(timeframe)))
    return write_element(
        "customer", content + write_element("comments", escape_text("\n".join(_comment(found))))
    )


def _comment(found: Mapping[str, str]) -> Iterator[str]:
    """The person's own text, then every attribute: a dealer sees also what ADF has no element for."""
    if text := _find(found, COMMENTS):
        yield text
    for name, value in found.items():
        if name not in COMMENTS:
            yield f"{name}: {value}"


def _write_name(text: str, part: str) -> str:
    return write_element("name", escape_text(text), {"part": part})


def _write_contact(lead: DeliveredLead) -> Iterator[str]:
    if lead.first_name or not lead.last_name:
        yield _write_name(lead.first_name, "first")
    if lead.last_name:
        yield _write_name(lead.last_name, "last")
    if lead.email or not lead.phone:
        yield write_element("email", escape_text(lead.email))
    if lead.phone:
        yield write_element("phone", escape_text(lead.phone), {"type": "voice"})
    yield write_element("address", "".join(_write_address(lead)))


def _write_address(lead: DeliveredLead) -> Iterator[str]:
    yield write_element("street", escape_text(lead.address), {"line": "1"})
    parts = {"city": lead.city, "regioncode": lead.state, "postalcode": lead.zip, "country": lead.country}
    for name, value in parts.items():
        if value:
            yield write_element(name, escape_text(value))


def _write_vendor(buyer: str, email: str) -> str:
    contact = _write_name(buyer, "full") + write_element("email", escape_text(email))
    return write_element(
        "vendor", write_element("vendorname", escape_text(buyer)) + write_element("contact", contact)
    )
