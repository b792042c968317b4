"""The bodies of the intake API, as the OpenAPI schema describes them. Nothing here runs when a request comes in."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from routing.models import LeadStatus
from tracing.models import AttemptResult
from tracing.vocabulary import CORRECTIONS


def _text(max_length: int, help_text: str = "") -> serializers.CharField:
    """An optional text. Missing, null and blank all mean that there is none."""
    return serializers.CharField(
        max_length=max_length, help_text=help_text, required=False, allow_null=True, allow_blank=True
    )


class ConsentDocument(serializers.Serializer[Any]):
    """Proof that the person agreed to be contacted."""

    given_at = serializers.DateTimeField(help_text="When the person agreed, with a UTC offset.")
    text = _text(4_000, "What the person agreed to.")
    ip = _text(50)
    url = _text(2_000, "The page of the form.")
    token = _text(500, "A certificate's token.")


@extend_schema_field({"type": "object", "additionalProperties": True})
class AttributesDocument(serializers.JSONField):
    """Any object of at most 100 keys."""


class NewLead(serializers.Serializer[Any]):
    """One person's request. An e-mail address or a phone number is required.

    A lenient source may send any other field: it becomes an attribute. What could not be read is left out, and named in
    `warnings`.
    """

    zip = serializers.CharField(max_length=20, help_text="Five digits, or ZIP+4; elsewhere the postal code.")
    email = _text(254)
    phone = _text(60, "Any notation; stored as E.164, with its extension apart.")
    phone_extension = _text(60, "Up to 15 digits, if it is not in the phone.")
    vertical = _text(200, "What it is about. Without it, the source's default.")
    first_name = _text(100)
    last_name = _text(100)
    address = _text(200)
    city = _text(100)
    state = _text(50, "Two letters; the ZIP code decides where they differ.")
    country = _text(50, "ISO 3166; US when left out.")
    attributes = AttributesDocument(
        required=False, allow_null=True, help_text="Free facts that conditions can read."
    )
    consent = ConsentDocument(required=False, allow_null=True)
    external_id = _text(100, "Your own id: the same one again is refused with 409.")


class NewBatch(serializers.Serializer[Any]):
    leads = serializers.ListField(
        child=NewLead(), min_length=1, max_length=1_000, help_text="Each is judged on its own."
    )


class Warning(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field, or the key as it came.")
    code = serializers.ChoiceField(choices=sorted(CORRECTIONS))
    received = serializers.JSONField(
        allow_null=True, help_text="What came, in the answer to what was sent only; null later."
    )
    message = serializers.CharField(help_text="What was done.")


class IncompleteDocument(serializers.Serializer[Any]):
    message = serializers.CharField()
    url = serializers.CharField(help_text="Ask here again.")


class LeadAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=LeadStatus.choices)
    result = serializers.ChoiceField(
        choices=AttemptResult.choices,
        allow_null=True,
        help_text="How the last attempt ended; null before it.",
    )
    reason = serializers.CharField(
        allow_null=True,
        help_text="Code of why it was not sold. Of a lead that was sent on to a partner only what lies in the lead.",
    )
    message = serializers.CharField(allow_null=True, help_text="The reason as a sentence.")
    buyers = serializers.IntegerField(
        allow_null=True,
        help_text="To how many its last attempt sold it; 0: to none, or all have returned it. Null: not known yet.",
    )
    duplicate_of = serializers.UUIDField(
        allow_null=True,
        help_text="Of a duplicate: your lead of the same person that came first, if it was yours.",
    )
    received_at = serializers.DateTimeField()
    next_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is tried next; null: never."
    )
    warnings = Warning(many=True, help_text="What was left out or corrected; empty: nothing.")
    incomplete = IncompleteDocument(
        required=False,
        help_text="Only when something could not be read right after it was stored. What is given besides is stored.",
    )


class LeadDetail(LeadAnswer):
    vertical = serializers.CharField()
    zip = serializers.CharField()
    attempts = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    cancel_reason = serializers.CharField(allow_null=True)


class FieldProblem(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class ErrorBody(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=FieldProblem()),
        required=False,
        help_text="Only with validation_failed: what is wrong, by the path of the field.",
    )
    lead_id = serializers.UUIDField(required=False, help_text="The lead that has this external_id.")
    status = serializers.CharField(required=False, help_text="How the lead has ended.")


class ErrorAnswer(serializers.Serializer[Any]):
    error = ErrorBody()


class BatchResult(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["accepted", "rejected"])
    id = serializers.UUIDField(required=False, help_text="Only when accepted.")
    warnings = Warning(many=True, required=False, help_text="Only when accepted.")
    error = ErrorBody(required=False, help_text="Only when rejected.")


class BatchAnswer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    results = BatchResult(many=True)
