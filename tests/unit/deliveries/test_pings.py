"""What a ping sends: fields of the partial lead, and never contact data."""

import json
from typing import Any

import pytest

from distribution.deliveries.payloads.fields import FIELDS, Facts
from distribution.deliveries.payloads.pings import PARTIAL, PLAIN, compile_ping, describe_partial
from distribution.deliveries.payloads.template import TemplateError
from tests.unit.deliveries.payload_leads import RECEIVED_AT

SHOWN = {
    "zip3": "303",
    "state": "GA",
    "vertical": "roofing",
    "attributes.roof.age": 12,
    "attributes.owner": True,
}
CONTACT = sorted(set(FIELDS) - {*PARTIAL, *PLAIN, "attributes"})


def render(template: dict[str, Any], **shown: Any) -> Any:
    lead = describe_partial(
        {**SHOWN, **shown}, received_at=RECEIVED_AT, campaign="Roofs", buyer="Acme", is_test=False
    )
    return json.loads(compile_ping(template, body_format="json").render(Facts(lead=lead, message_id="m-1")))


def test_ping_sends_the_partial_lead() -> None:
    template = {"zip": "{zip3}xx", "state": "state", "age": "attributes.roof.age", "own": "attributes.owner"}
    assert render(template) == {"zip": "303xx", "state": "GA", "age": 12, "own": True}


def test_empty_template_sends_all_that_a_ping_may_have() -> None:
    assert render({}) == {
        "vertical": "roofing",
        "zip": None,
        "zip3": "303",
        "city": None,
        "county": None,
        "state": "GA",
        "country": None,
        "attributes": {"roof": {"age": 12}, "owner": True},
        "campaign": "Roofs",
        "is_test": False,
        "message_id": "m-1",
    }


@pytest.mark.parametrize("name", CONTACT)
@pytest.mark.parametrize(
    "expression", ["{}", "at {{{}}}", {"field": "{}"}, {"text": "x {{{}}}", "default": "y"}]
)
def test_every_other_field_is_refused(name: str, expression: Any) -> None:
    if isinstance(expression, dict):
        written: Any = {key: value.format(name) for key, value in expression.items()}
    else:
        written = expression.format(name)
    with pytest.raises(TemplateError, match=f"a ping gets no '{name}'"):
        compile_ping({"x": written}, body_format="json")


def test_contact_under_an_attribute_is_what_the_partial_lead_has() -> None:
    """An attribute that the campaign does not show is blank."""
    assert render({"x": "attributes.email"}) == {"x": None}


def test_partial_lead_has_no_field_of_the_person() -> None:
    """Even if a row had more than it may."""
    lead = describe_partial(
        {**SHOWN, "email": "a@example.com", "first_name": "Ann"},
        received_at=RECEIVED_AT,
        campaign="",
        buyer="",
        is_test=False,
    )
    assert (lead.email, lead.first_name, lead.phone, lead.address) == ("", "", "", "")
