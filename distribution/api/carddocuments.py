"""The OpenAPI schema of cards, purchases and automatic recharge. The documents mirror distribution.api.cardanswers."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from distribution.api.accountdocuments import IF_MATCH, etag
from distribution.api.buyerdocuments import CURSOR, LIMIT
from distribution.api.returndocuments import describe_example, describe_operation
from distribution.models import (
    LEAST_PAYMENT_CENTS,
    MOST_PAYMENT_CENTS,
    MOST_TRIES,
    PauseReason,
    PaymentOrigin,
    PaymentState,
)
from routing.api.documents import IDEMPOTENCY_KEY, LIMIT_HEADERS, REPLAYED, describe_errors, describe_header


class CardDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    brand = serializers.CharField()
    last4 = serializers.CharField(help_text="Last four digits.")
    exp_month = serializers.IntegerField()
    exp_year = serializers.IntegerField()


class CurrentCardDocument(serializers.Serializer[Any]):
    is_available = serializers.BooleanField(help_text="False: the agency takes no payments by card.")
    card = CardDocument(allow_null=True, help_text="The card that payments are taken from. Null: none.")


class CardSetupDocument(serializers.Serializer[Any]):
    setup_id = serializers.CharField()
    client_secret = serializers.CharField(help_text="For Stripe.js in your browser: confirmCardSetup.")
    publishable_key = serializers.CharField(help_text="For Stripe.js in your browser.")


class FinishDocument(serializers.Serializer[Any]):
    setup_id = serializers.CharField(max_length=255)


class PurchaseDocument(serializers.Serializer[Any]):
    amount_cents = serializers.IntegerField(min_value=LEAST_PAYMENT_CENTS, max_value=MOST_PAYMENT_CENTS)


class CardPaymentDocument(serializers.Serializer[Any]):
    """A purchase of credits by card."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(
        choices=[choice for choice in PaymentState.choices if choice[0] != PaymentState.SURPLUS]
    )
    origin = serializers.ChoiceField(
        choices=[choice for choice in PaymentOrigin.choices if choice[0] != PaymentOrigin.SURPLUS]
    )
    amount_cents = serializers.IntegerField()
    refunded_cents = serializers.IntegerField(help_text="Paid back to the card so far.")
    failure_code = serializers.CharField(
        allow_null=True, help_text="Why it failed or must be confirmed, in Stripe's codes."
    )
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class CardPaymentPage(serializers.Serializer[Any]):
    results = CardPaymentDocument(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ConfirmDocument(serializers.Serializer[Any]):
    client_secret = serializers.CharField(
        help_text="For Stripe.js in your browser: handleNextAction while the payment intent is requires_action, "
        "confirmCardPayment otherwise."
    )
    publishable_key = serializers.CharField(help_text="For Stripe.js in your browser.")
    payment_method = serializers.CharField(help_text="For confirmCardPayment: Stripe's id of the card.")


class RechargeDocument(serializers.Serializer[Any]):
    """Automatic recharge of your wallet."""

    is_on = serializers.BooleanField()
    paused_at = serializers.DateTimeField(allow_null=True, help_text="If set, nothing is recharged.")
    pause_reason = serializers.ChoiceField(choices=PauseReason.choices, allow_null=True)
    waits_until = serializers.DateTimeField(
        allow_null=True,
        help_text="A limit was reached, or a payment was declined: the next one is not before.",
    )
    threshold_cents = serializers.IntegerField(
        allow_null=True, help_text="A payment is made when the balance less holds falls below this."
    )
    amount_cents = serializers.IntegerField(allow_null=True, help_text="What each payment adds.")
    day_limit_cents = serializers.IntegerField(allow_null=True, help_text="The most in a day of yours.")
    week_limit_cents = serializers.IntegerField(allow_null=True, help_text="The most in a week from Monday.")
    month_limit_cents = serializers.IntegerField(allow_null=True, help_text="The most in a month.")
    max_tries = serializers.IntegerField(
        allow_null=True, help_text="How many declined payments in a row pause it."
    )


class RechargeChangeDocument(serializers.Serializer[Any]):
    """What is left out stays as it is. The first time, the threshold, the amount and the three limits are required."""

    is_on = serializers.BooleanField(required=False)
    is_paused = serializers.BooleanField(required=False, help_text="False: go on after a pause.")
    threshold_cents = serializers.IntegerField(required=False, min_value=0)
    amount_cents = serializers.IntegerField(
        required=False, min_value=LEAST_PAYMENT_CENTS, max_value=MOST_PAYMENT_CENTS
    )
    day_limit_cents = serializers.IntegerField(required=False, min_value=LEAST_PAYMENT_CENTS)
    week_limit_cents = serializers.IntegerField(required=False, min_value=LEAST_PAYMENT_CENTS)
    month_limit_cents = serializers.IntegerField(required=False, min_value=LEAST_PAYMENT_CENTS)
    max_tries = serializers.IntegerField(required=False, min_value=1, max_value=MOST_TRIES)


CARD: Final[dict[str, Any]] = {
    "is_available": True,
    "card": {
        "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5da0",
        "brand": "visa",
        "last4": "4242",
        "exp_month": 12,
        "exp_year": 2030,
    },
}
SETUP: Final[dict[str, Any]] = {
    "setup_id": "seti_1",
    "client_secret": "seti_1_secret_2",
    "publishable_key": "pk_live_3",
}
PAYMENT: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5da1",
    "state": "succeeded",
    "origin": "buyer",
    "amount_cents": 50_000,
    "refunded_cents": 0,
    "failure_code": None,
    "created_at": "2026-01-31T12:00:00Z",
    "ended_at": "2026-01-31T12:00:02Z",
}
RECHARGE: Final[dict[str, Any]] = {
    "is_on": True,
    "paused_at": None,
    "pause_reason": None,
    "waits_until": None,
    "threshold_cents": 10_000,
    "amount_cents": 50_000,
    "day_limit_cents": 100_000,
    "week_limit_cents": 200_000,
    "month_limit_cents": 500_000,
    "max_tries": 1,
}


GET_CARD: Final = describe_operation(
    "buyer_card",
    "Your card",
    parameters=LIMIT_HEADERS,
    responses={200: CurrentCardDocument, **describe_errors()},
    examples=describe_example(CARD, "200"),
)
DELETE_CARD: Final = describe_operation(
    "buyer_card_delete",
    "Remove your card",
    description="No new payment is taken from it. A payment that is pending still ends. Then the card is removed at "
    "Stripe too.",
    parameters=LIMIT_HEADERS,
    responses={204: None, **describe_errors()},
)
POST_SETUP: Final = describe_operation(
    "buyer_card_setup",
    "Begin to add a card",
    description="Give the answer to Stripe.js in the browser of the cardholder. The card goes to Stripe, not here.",
    parameters=LIMIT_HEADERS,
    request=None,
    responses={201: CardSetupDocument, **describe_errors(409, 503)},
    examples=describe_example(SETUP, "201"),
)
POST_FINISH: Final = describe_operation(
    "buyer_card_setup_finish",
    "Use the card that was added",
    description="Replaces the card you had. Idempotent. 409 if the browser has not finished.",
    parameters=LIMIT_HEADERS,
    request=FinishDocument,
    responses={201: CurrentCardDocument, **describe_errors(400, 409, 411, 413, 415, 503)},
    examples=describe_example(CARD, "201"),
)
LIST_TOPUPS: Final = describe_operation(
    "buyer_topups_list",
    "Your payments by card, newest first",
    parameters=[LIMIT, CURSOR, *LIMIT_HEADERS],
    responses={200: CardPaymentPage, **describe_errors(400)},
    examples=describe_example({"results": [PAYMENT], "next_cursor": None}, "200"),
)
POST_TOPUP: Final = describe_operation(
    "buyer_topups_create",
    "Buy credits with your card",
    description="Starts a payment. Read it until its state is `succeeded` or `failed`. If it is `needs_action`, the "
    "cardholder must confirm it. An Idempotency-Key is required. 409 if there is no card, or if another payment has "
    "not ended.",
    request=PurchaseDocument,
    parameters=[
        IDEMPOTENCY_KEY,
        describe_header("Location", "URL of the payment.", 202),
        describe_header("Idempotency-Replayed", REPLAYED, 202),
        *LIMIT_HEADERS,
    ],
    responses={
        202: OpenApiResponse(CardPaymentDocument, description="The payment is started."),
        **describe_errors(400, 409, 411, 413, 415, 422),
    },
    examples=describe_example({**PAYMENT, "state": "open", "ended_at": None}, "202"),
)
GET_TOPUP: Final = describe_operation(
    "buyer_topups_retrieve",
    "One of your payments by card",
    parameters=LIMIT_HEADERS,
    responses={200: CardPaymentDocument, **describe_errors(404)},
    examples=describe_example(PAYMENT, "200"),
)
POST_CONFIRM: Final = describe_operation(
    "buyer_topups_confirm",
    "Confirm a payment in the browser",
    description="For a payment that is `needs_action`: what Stripe.js needs. Read the payment afterwards. 409 if it "
    "does not wait for you.",
    parameters=LIMIT_HEADERS,
    request=None,
    responses={200: ConfirmDocument, **describe_errors(404, 409, 503)},
    examples=describe_example(
        {"client_secret": "pi_1_secret_2", "publishable_key": "pk_live_3", "payment_method": "pm_4"}, "200"
    ),
)
GET_RECHARGE: Final = describe_operation(
    "buyer_recharge",
    "Your automatic recharge",
    description="`ETag` is the version of the settings, to send when you change them. A pause does not change it.",
    parameters=[etag(200), *LIMIT_HEADERS],
    responses={200: RechargeDocument, **describe_errors()},
    examples=describe_example(RECHARGE, "200"),
)
PATCH_RECHARGE: Final = describe_operation(
    "buyer_recharge_update",
    "Change your automatic recharge",
    description="400 names a wrong field. 409 if it is turned on without a card.",
    parameters=[IF_MATCH, etag(200, 412), *LIMIT_HEADERS],
    request=RechargeChangeDocument,
    responses={200: RechargeDocument, **describe_errors(400, 409, 411, 412, 413, 415, 428)},
    examples=describe_example(RECHARGE, "200"),
)
