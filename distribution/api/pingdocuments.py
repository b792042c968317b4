"""The OpenAPI schema of pings. Nothing here runs during a request."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers

from routing.api.documents import LIMIT_HEADERS, describe_errors
from routing.api.examples import TOO_FAST_EXAMPLE, UNKNOWN_EXAMPLE
from routing.api.schemas import AttributesDocument, Warning


class PingConsent(serializers.Serializer[Any]):
    """Proof of consent, without the address of the person's computer."""

    given_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When the person gave consent, with a UTC offset."
    )
    token = serializers.CharField(
        max_length=500, required=False, allow_null=True, help_text="Token of a consent certificate."
    )


class NewPing(serializers.Serializer[Any]):
    """A lead without contact data. The lead that is sent later must repeat all of it."""

    zip = serializers.CharField(
        max_length=20, help_text="Five digits or ZIP+4. Outside the US, the postal code."
    )
    vertical = serializers.CharField(
        max_length=200, required=False, allow_null=True, help_text="Defaults to the source's vertical."
    )
    city = serializers.CharField(max_length=100, required=False, allow_null=True)
    state = serializers.CharField(max_length=50, required=False, allow_null=True)
    country = serializers.CharField(
        max_length=50, required=False, allow_null=True, help_text="ISO 3166 code. Defaults to US."
    )
    attributes = AttributesDocument(
        required=False,
        allow_null=True,
        help_text="Additional data that conditions can use, without contact data.",
    )
    consent = PingConsent(required=False, allow_null=True)
    is_test = serializers.BooleanField(
        required=False, allow_null=True, help_text="The ping of a test lead. Implied by a test key."
    )


class PingAnswerDocument(serializers.Serializer[Any]):
    """A price with the id of the ping, or why there is none."""

    outcome = serializers.ChoiceField(choices=["price", "no_price"])
    price_cents = serializers.IntegerField(
        allow_null=True, help_text="What you are paid under your contract if the lead is sold with this ping."
    )
    ping_id = serializers.CharField(
        allow_null=True, help_text="Send it with the lead, once and before expires_at."
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    is_test = serializers.BooleanField()
    reason = serializers.CharField(
        allow_null=True,
        help_text="Code of why there is no price: a skip reason, no_contract or no_certain_price. Null for a lead that "
        "would go to a partner.",
    )
    message = serializers.CharField(allow_null=True, help_text="The reason as a sentence.")
    change = serializers.CharField(allow_null=True, help_text="What you can do.")
    fixer = serializers.ChoiceField(
        choices=["sender", "operator", "time", "nobody"],
        allow_null=True,
        help_text="Who can change it. Time: it resolves on its own.",
    )
    missing_fields = serializers.ListField(
        child=serializers.CharField(), help_text="Fields that buyers require and the ping lacks."
    )
    warnings = Warning(many=True, help_text="Values that were dropped or corrected. Empty: none.")


_NOTHING: Final = dict.fromkeys(("reason", "message", "change", "fixer"))
PING_EXAMPLE: Final = OpenApiExample(
    "A roofing lead, without contact data",
    value={
        "zip": "30312",
        "vertical": "roofing",
        "attributes": {"roof_age": 12, "property_type": "residential"},
        "consent": {"token": "cert-4711"},
    },
    request_only=True,
)
PRICE_EXAMPLE: Final = OpenApiExample(
    "A price",
    value={
        "outcome": "price",
        "price_cents": 3_600,
        "ping_id": "1.AZwfDnwae36dCj8cK0pdbnVfU3k2Q0tXb2Zmb0xhYmVs",
        "expires_at": "2026-01-31T12:05:00.250000Z",
        "is_test": False,
        **_NOTHING,
        "missing_fields": [],
        "warnings": [],
    },
    response_only=True,
    status_codes=["201"],
)
NO_PRICE_EXAMPLE: Final = OpenApiExample(
    "No price",
    value={
        "outcome": "no_price",
        "price_cents": None,
        "ping_id": None,
        "expires_at": None,
        "is_test": False,
        "reason": "no_eligible_buyers_after_tier_filters",
        "message": "No buyer takes this lead without roof_age.",
        "change": "Ping again with roof_age.",
        "fixer": "sender",
        "missing_fields": ["attributes.roof_age"],
        "warnings": [],
    },
    response_only=True,
    status_codes=["201"],
)
CONTACT_EXAMPLE: Final = OpenApiExample(
    "Contact data",
    value={
        "error": {
            "code": "contact_data",
            "message": "A ping has no contact data. Leave out email, and send it with the lead. Nothing was stored.",
            "fields": {
                "email": [
                    {
                        "code": "contact_data",
                        "message": "is contact data: leave it out of the ping, and send it with the lead",
                    }
                ]
            },
        }
    },
    response_only=True,
    status_codes=["422"],
)
POST_PING: Final = extend_schema(
    operation_id="pings_create",
    summary="Ask for the price of a lead",
    description="Answers what you would be paid for this lead now, and promises that price until `expires_at` for the "
    "lead that you send with `ping_id`. Contact data is refused, and nothing of it is stored. A form is accepted too.",
    tags=["pings"],
    request={
        "application/json": NewPing,
        "application/x-www-form-urlencoded": NewPing,
        "multipart/form-data": NewPing,
    },
    responses={
        201: OpenApiResponse(PingAnswerDocument, description="A price, or why there is none."),
        **describe_errors(411, 413, 415, 422),
    },
    parameters=LIMIT_HEADERS,
    examples=[
        *(PING_EXAMPLE, PRICE_EXAMPLE, NO_PRICE_EXAMPLE),
        *(CONTACT_EXAMPLE, UNKNOWN_EXAMPLE, TOO_FAST_EXAMPLE),
    ],
)
