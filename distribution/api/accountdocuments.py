"""The OpenAPI schema of a buyer's account. Nothing here runs during a request.

The documents mirror distribution.api.accountanswers field by field; a test compares them.
"""

from collections.abc import Callable
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from distribution.api import accountexamples as examples
from distribution.api.buyerdocuments import (
    CampaignDocument,
    CapsDocument,
    KeyDocument,
    Operation,
    WalletDocument,
)
from distribution.api.buyerexamples import ERRORS
from distribution.api.changesdocuments import WAITING, ChangeDocument
from routing.api.documents import LIMIT_HEADERS, describe_errors, describe_header
from routing.api.schemas import AttributesDocument

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    location=OpenApiParameter.HEADER,
    type={"type": "string"},
    description="The ETag of the version that you change. Without it 428; if it was changed after that 412, with the "
    "present ETag. `*`: whatever the present version is.",
)
CHANGE_ERRORS: Final = (404, 409, 411, 412, 413, 415, 428)
BID_HELP: Final = (
    "What you pay for a lead. Null: the campaign's price. In an auction: what you bid for a lead that no rule of "
    "`standing_bids` fits, and pay if you win; null: no bid."
)
PAUSED_UNTIL_HELP: Final = "When the pause ends by itself. Null: when you resume, or not paused."


WAITS: Final = OpenApiExample("It waits", value=WAITING, response_only=True, status_codes=["202"])


def etag(*codes: int) -> OpenApiParameter:
    return describe_header("ETag", "The version, for If-Match.", *codes)


class ContactPersonDocument(serializers.Serializer[Any]):
    """Whom your agency asks."""

    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    phone = serializers.CharField(allow_blank=True, help_text="E.164.")


class QuestionDocument(serializers.Serializer[Any]):
    """A question of a campaign. `answers` has your answer under its `key`."""

    key = serializers.CharField()
    campaign = CampaignDocument()
    field = serializers.CharField(help_text="The lead's field that is compared with your answer.")
    op = serializers.CharField(help_text="How it is compared.")
    is_required = serializers.BooleanField(help_text="Unanswered, you get no leads of this campaign.")


class AreaDocument(serializers.Serializer[Any]):
    service_area = AttributesDocument(help_text="Empty: covers nothing.")


class HoursDocument(serializers.Serializer[Any]):
    hours = AttributesDocument(help_text="Opening hours by day, mon to sun. Empty: always open.")
    timezone = serializers.CharField(help_text="Change it under `me/`.")


class AnswersDocument(serializers.Serializer[Any]):
    answers = AttributesDocument(help_text="By the key of the question.")
    questions = QuestionDocument(many=True)


class PauseDocument(serializers.Serializer[Any]):
    paused = serializers.BooleanField(help_text="While true, you get no leads.")
    paused_until = serializers.DateTimeField(allow_null=True, help_text=PAUSED_UNTIL_HELP)
    paused_by = serializers.ChoiceField(
        choices=["buyer", "agency"],
        allow_null=True,
        help_text="Only your agency ends a pause of your agency.",
    )


class StandingBidDocument(serializers.Serializer[Any]):
    """One rule. The first one whose condition the lead meets counts."""

    when = AttributesDocument(
        required=False, help_text="A condition, as in `lead_filter`. Empty: every lead."
    )
    bid_cents = serializers.IntegerField(min_value=0)


class EnrollmentDocument(serializers.Serializer[Any]):
    """Your place in a campaign."""

    campaign = CampaignDocument()
    active = serializers.BooleanField(help_text="False: your agency has switched it off.")
    paused = serializers.BooleanField(help_text="While true, you get no leads of this campaign.")
    paused_until = serializers.DateTimeField(allow_null=True, help_text=PAUSED_UNTIL_HELP)
    bid_cents = serializers.IntegerField(allow_null=True, help_text=BID_HELP)
    standing_bids = StandingBidDocument(
        many=True,
        help_text="What you bid in auctions without being asked. Empty: `bid_cents` for every lead.",
    )
    lead_filter = AttributesDocument(help_text="Which leads you want. Empty: every lead.")
    caps = CapsDocument(help_text="Leads.")
    budgets_cents = CapsDocument(help_text="Cents.")


class EnrollmentList(serializers.Serializer[Any]):
    results = EnrollmentDocument(many=True)


class MeDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    agency = serializers.CharField()
    timezone = serializers.CharField(help_text="Time zone for your days, caps and hours.")
    contact = ContactPersonDocument()
    paused_at = serializers.DateTimeField(allow_null=True, help_text="If set, you get no leads.")
    paused = serializers.BooleanField(help_text="Change it under `pause/`.")
    paused_until = serializers.DateTimeField(allow_null=True, help_text=PAUSED_UNTIL_HELP)
    paused_by = serializers.ChoiceField(choices=["buyer", "agency"], allow_null=True)
    service_area = AttributesDocument(help_text="Change it under `area/`.")
    hours = AttributesDocument(help_text="Change them under `hours/`.")
    answers = AttributesDocument(help_text="Change them under `answers/`.")
    questions = QuestionDocument(many=True)
    key = KeyDocument()
    enrollments = EnrollmentDocument(many=True)


class ContactChange(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=100)
    email = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=254)
    phone = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=40)


class ProfileChange(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=100, help_text="The company's name.")
    timezone = serializers.CharField(required=False, max_length=50, help_text="E.g. America/Chicago.")
    contact = ContactChange(required=False, allow_null=True)


class AreaChange(serializers.Serializer[Any]):
    service_area = AttributesDocument(
        required=False, allow_null=True, help_text="Only the keys that change; null removes one."
    )


class HoursChange(serializers.Serializer[Any]):
    hours = AttributesDocument(
        required=False, allow_null=True, help_text="Only the days that change; null removes one."
    )


class AnswersChange(serializers.Serializer[Any]):
    answers = AttributesDocument(
        required=False, allow_null=True, help_text="Only the answers that change; null removes one."
    )


class PauseChange(serializers.Serializer[Any]):
    paused = serializers.BooleanField(required=False, help_text="False resumes.")
    paused_until = serializers.DateTimeField(
        required=False, allow_null=True, help_text="In the future, at most 366 days. Pauses, if you are not."
    )


class NoticeChange(serializers.Serializer[Any]):
    notice_below_cents = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=1_000_000_000,
        help_text="`wallet.low` is sent when less than this is available. Null: never.",
    )


class _LimitsChange(serializers.Serializer[Any]):
    hour = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    day = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    week = serializers.IntegerField(required=False, allow_null=True, min_value=0)
    month = serializers.IntegerField(required=False, allow_null=True, min_value=0)


class EnrollmentChange(PauseChange):
    bid_cents = serializers.IntegerField(required=False, allow_null=True, min_value=0, help_text=BID_HELP)
    standing_bids = StandingBidDocument(
        many=True, required=False, allow_null=True, help_text="Replaces all rules. Null: none."
    )
    lead_filter = AttributesDocument(
        required=False, allow_null=True, help_text="Replaces the whole filter. Null: every lead."
    )
    caps = _LimitsChange(required=False, allow_null=True, help_text="Null: none.")
    budgets_cents = _LimitsChange(required=False, allow_null=True, help_text="Null: none.")


def reading(operation_id: str, summary: str, answer: Any, *errors: int) -> Callable[[Operation], Operation]:
    """One operation that shows what can be changed, with its version."""
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{summary}. `ETag` is the version to send when you change it.",
        tags=["buyers"],
        parameters=[etag(200), *LIMIT_HEADERS],
        responses={200: OpenApiResponse(answer, description=summary), **describe_errors(*errors)},
        examples=[*success(operation_id), *ERRORS],
    )


def changing(
    operation_id: str, summary: str, body: Any, answer: Any, *, description: str = ""
) -> Callable[[Operation], Operation]:
    """One operation that changes it, by the rules of JSON Merge Patch."""
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{description or summary + '.'} Send only what changes; null removes a value. Unknown fields are "
        "refused. All is stored, or nothing.",
        tags=["buyers"],
        request={"application/json": body, "application/merge-patch+json": body},
        parameters=[
            IF_MATCH,
            etag(200, 412),
            describe_header("Location", "URL of the change that waits.", 202),
            *LIMIT_HEADERS,
        ],
        responses={
            200: OpenApiResponse(answer, description="As it is now."),
            202: OpenApiResponse(
                ChangeDocument, description="Your agency must approve it. Nothing has changed yet."
            ),
            **describe_errors(*CHANGE_ERRORS),
        },
        examples=[*request(operation_id), *success(operation_id), WAITS, *ERRORS],
    )


def success(operation_id: str, *codes: str) -> list[OpenApiExample]:
    value = examples.ANSWERS[operation_id]
    return [OpenApiExample("Success", value=value, response_only=True, status_codes=list(codes or ("200",)))]


def request(operation_id: str) -> list[OpenApiExample]:
    return [OpenApiExample("Request", value=examples.REQUESTS[operation_id], request_only=True)]


GET_ME: Final = reading("buyer_me", "Your account and enrollments", MeDocument)
CHANGE_ME: Final = changing(
    "buyer_me_change",
    "Change your time zone or contact",
    ProfileChange,
    MeDocument,
)
GET_WALLET: Final = reading("buyer_wallet", "Your wallet", WalletDocument)
CHANGE_WALLET: Final = changing(
    "buyer_wallet_change", "Set when you hear of a low balance", NoticeChange, WalletDocument
)
GET_AREA: Final = reading("buyer_area", "Your service area", AreaDocument)
CHANGE_AREA: Final = changing("buyer_area_change", "Change your service area", AreaChange, AreaDocument)
GET_HOURS: Final = reading("buyer_hours", "Your opening hours", HoursDocument)
CHANGE_HOURS: Final = changing("buyer_hours_change", "Change your opening hours", HoursChange, HoursDocument)
GET_ANSWERS: Final = reading("buyer_answers", "Your answers and the campaigns' questions", AnswersDocument)
CHANGE_ANSWERS: Final = changing(
    "buyer_answers_change", "Change your answers", AnswersChange, AnswersDocument
)
GET_PAUSE: Final = reading("buyer_pause", "Whether you are paused", PauseDocument)
CHANGE_PAUSE: Final = changing(
    "buyer_pause_change",
    "Pause or resume",
    PauseChange,
    PauseDocument,
    description="Pause now, pause until a time, or resume. 409 `paused_by_agency` if your agency paused you.",
)
LIST_ENROLLMENTS: Final = extend_schema(
    operation_id="buyer_enrollments_list",
    summary="Your places in campaigns",
    tags=["buyers"],
    parameters=LIMIT_HEADERS,
    responses={200: EnrollmentList, **describe_errors()},
    examples=[*success("buyer_enrollments_list"), *ERRORS],
)
GET_ENROLLMENT: Final = reading("buyer_enrollment", "Your place in a campaign", EnrollmentDocument, 404)
CHANGE_ENROLLMENT: Final = changing(
    "buyer_enrollment_change",
    "Change filter, caps, budgets or bids, or pause one campaign",
    EnrollmentChange,
    EnrollmentDocument,
)
