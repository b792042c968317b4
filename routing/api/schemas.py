"""The bodies of the intake API, as the OpenAPI schema describes them. Nothing here runs when a request comes in."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from routing.models import LeadStatus, LeadVerification
from tracing.models import AttemptResult
from tracing.vocabulary import CORRECTIONS


def _text(max_length: int, help_text: str = "") -> serializers.CharField:
    """An optional text. Missing, null and blank all mean no value."""
    return serializers.CharField(
        max_length=max_length, help_text=help_text, required=False, allow_null=True, allow_blank=True
    )


class ConsentDocument(serializers.Serializer[Any]):
    """Proof that the person agreed to be contacted."""

    given_at = serializers.DateTimeField(help_text="When the person gave consent, with a UTC offset.")
    text = _text(4_000, "The text the person agreed to.")
    ip = _text(50)
    url = _text(2_000, "URL of the form page.")
    token = _text(500, "Token of a consent certificate.")


@extend_schema_field({"type": "object", "additionalProperties": True})
class AttributesDocument(serializers.JSONField):
    """Any object of at most 100 keys."""


class NewLead(serializers.Serializer[Any]):
    """One person's request. An email address or a phone number is required.

    A lenient source can send any other field; it becomes an attribute. Values that cannot be read are left out and
    listed in `warnings`.
    """

    zip = serializers.CharField(
        max_length=20, help_text="Five digits or ZIP+4. Outside the US, the postal code."
    )
    email = _text(254)
    phone = _text(60, "Any format. Stored as E.164, with the extension in its own field.")
    phone_extension = _text(60, "Up to 15 digits, if not part of the phone.")
    vertical = _text(200, "Vertical of the lead. Defaults to the source's vertical.")
    first_name = _text(100)
    last_name = _text(100)
    address = _text(200)
    city = _text(100)
    state = _text(50, "Two letters. If it does not match the ZIP code, the ZIP code is used.")
    country = _text(50, "ISO 3166 code. Defaults to US.")
    attributes = AttributesDocument(
        required=False, allow_null=True, help_text="Additional data that conditions can use."
    )
    consent = ConsentDocument(required=False, allow_null=True)
    ping_id = _text(100, "From a ping: the lead is sold for at least the price that you were promised.")
    external_id = _text(100, "Your own id for the lead. Sending the same id again returns 409.")
    is_test = serializers.BooleanField(
        required=False,
        allow_null=True,
        help_text="True: a test lead. It is decided like any lead, and charges no buyer. All leads of a test key are.",
    )


class NewBatch(serializers.Serializer[Any]):
    leads = serializers.ListField(
        child=NewLead(),
        min_length=1,
        max_length=1_000,
        help_text="Each lead is stored or rejected separately.",
    )


class Warning(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field, or the key as you sent it.")
    code = serializers.ChoiceField(choices=sorted(CORRECTIONS))
    received = serializers.JSONField(
        help_text="The value you sent. Only in the response to the request; null in later reads.",
    )
    message = serializers.CharField(help_text="What was changed.")


class IncompleteDocument(serializers.Serializer[Any]):
    message = serializers.CharField()
    url = serializers.CharField(help_text="URL of this lead.")


class LeadAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_blank=True)
    is_test = serializers.BooleanField(help_text="It is a test lead, which charges no buyer.")
    status = serializers.ChoiceField(choices=LeadStatus.choices)
    result = serializers.ChoiceField(
        choices=AttemptResult.choices,
        allow_null=True,
        help_text="Result of the latest attempt. Null before the first.",
    )
    reason = serializers.CharField(
        allow_null=True,
        help_text="Code of why it was not sold. For a lead that was routed to a partner, only reasons that concern the "
        "lead itself.",
    )
    message = serializers.CharField(allow_null=True, help_text="The reason as a sentence.")
    buyers = serializers.IntegerField(
        allow_null=True,
        help_text="Number of buyers the latest attempt sold it to. 0: none, or all returned it. Null: not known yet.",
    )
    duplicate_of = serializers.UUIDField(
        allow_null=True,
        help_text="For a duplicate: the first lead for the same person, if you sent it.",
    )
    received_at = serializers.DateTimeField()
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is tried next. Null: never."
    )
    warnings = Warning(many=True, help_text="Values that were dropped or corrected. Empty: none.")
    incomplete = IncompleteDocument(
        required=False,
        help_text="Only if the lead was stored but could not be read back completely. Other fields are correct.",
    )


class LeadDetail(LeadAnswer):
    vertical = serializers.CharField()
    zip = serializers.CharField()
    attempts = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = serializers.CharField(allow_null=True)
    verification = serializers.ChoiceField(
        choices=LeadVerification.choices,
        allow_blank=True,
        help_text="How the person was verified. Blank: not verified. `leads/{id}/calls/` has the calls.",
    )
    verified_at = serializers.DateTimeField(allow_null=True)


class FieldProblem(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class ErrorBody(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=FieldProblem()),
        required=False,
        help_text="Only with validation_failed, contact_data and some codes of pings: what is wrong, by field path.",
    )
    lead_id = serializers.UUIDField(
        required=False, help_text="The lead that has this external_id, or that used this ping_id."
    )
    status = serializers.CharField(required=False, help_text="Final status of the lead.")
    state = serializers.CharField(
        required=False, help_text="State of the return, delivery or assignment, which was not changed."
    )
    refund_cents = serializers.IntegerField(
        required=False, allow_null=True, help_text="What the return already paid back."
    )


class ErrorAnswer(serializers.Serializer[Any]):
    error = ErrorBody()


class BatchResult(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["accepted", "rejected"])
    id = serializers.UUIDField(required=False, help_text="Only when accepted.")
    is_test = serializers.BooleanField(
        required=False, help_text="Only when accepted: whether it is a test lead."
    )
    warnings = Warning(many=True, required=False, help_text="Only when accepted.")
    error = ErrorBody(required=False, help_text="Only when rejected.")


class BatchAnswer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = BatchResult(many=True)
