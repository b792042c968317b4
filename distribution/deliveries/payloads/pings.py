"""What a ping sends: a template over the partial lead, which has no contact data.

The names are checked when the endpoint is saved and again when it is sent. Apart from that, a ping is rendered from the
partial lead alone, so a field of the person would be blank.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from distribution.deliveries.payloads.expressions import Placeholder, Text
from distribution.deliveries.payloads.fields import ATTRIBUTES
from distribution.deliveries.payloads.lead import DeliveredLead, DeliveredSale
from distribution.deliveries.payloads.problems import Problem
from distribution.deliveries.payloads.template import (
    BodyFormat,
    Template,
    TemplateError,
    compile_template,
    list_expressions,
)

# What the campaign may show of a lead (its fields of an offer).
PARTIAL: Final = ("vertical", "zip", "zip3", "city", "county", "state", "country")
# What says nothing about the person.
PLAIN: Final = ("campaign", "buyer", "is_test", "message_id")
USUAL: Final = (*PARTIAL, "attributes", "campaign", "is_test", "message_id")
REFUSED: Final = "a ping gets no {name!r}: use only {known} or attributes.<key>, which have no contact data"


def compile_ping(document: object, *, body_format: BodyFormat) -> Template:
    """An empty document means all fields that a ping may have. Raises TemplateError."""
    if document == {}:
        prefix = "lead." if body_format == "xml" else ""
        document = {prefix + name: name for name in USUAL}
    template = compile_template(document, body_format=body_format)
    names = sorted({name for name in list_fields(template) if not may_be_sent(name)})
    if names:
        known = ", ".join((*PARTIAL, *PLAIN))
        raise TemplateError([Problem("template", REFUSED.format(name=name, known=known)) for name in names])
    return template


def may_be_sent(name: str) -> bool:
    return name in PARTIAL or name in PLAIN or name == "attributes" or name.startswith(ATTRIBUTES)


def list_fields(template: Template) -> Iterator[str]:
    """Every field that the template names."""
    for expression in list_expressions(template.root):
        source = expression.source
        parts = source.parts if isinstance(source, Text) else (source,)
        yield from (part.field for part in parts if isinstance(part, Placeholder))


def describe_partial(
    partial: Mapping[str, Any], *, received_at: datetime, campaign: str, buyer: str, is_test: bool
) -> DeliveredLead:
    """The partial lead as templates read it. Everything that it lacks is blank, and so are all fields of the person.

    `partial` has attributes under their dotted names, like attributes.roof_age.
    """
    shown: dict[str, Any] = {name: str(partial.get(name) or "") for name in PARTIAL}
    return DeliveredLead(
        lead_id="",
        received_at=received_at,
        buyer=buyer,
        sale=DeliveredSale(assignment_id="", price_cents=0, campaign=campaign),
        attributes=_nest(partial),
        is_test=is_test,
        **shown,
    )


def _nest(partial: Mapping[str, Any]) -> dict[str, Any]:
    """attributes.a.b -> {"a": {"b": ...}}."""
    nested: dict[str, Any] = dict(partial.get("attributes") or {})
    for name, value in partial.items():
        if not name.startswith(ATTRIBUTES):
            continue
        *parents, key = name.removeprefix(ATTRIBUTES).split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
        place[key] = value
    return nested
