"""Variables of payments by card: the installation's account at Stripe."""

from dataclasses import dataclass, field
from typing import Final

from leadswitch.env.parse import BadEnvironment, IntegerRange, parse_http_url
from leadswitch.env.variable import Section, Variable

STRIPE_API: Final = "https://api.stripe.com"
STRIPE_JS: Final = "https://js.stripe.com/v3/"
NO_SECRETS: Final[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """Webhooks are accepted with each of the secrets, so that they can be rotated."""

    secret_key: str = field(repr=False)
    publishable_key: str
    webhook_secrets: tuple[str, ...] = field(repr=False)
    api_base: str
    js_url: str = STRIPE_JS


def parse_secret_key(name: str, text: str) -> str:
    return _check_prefix(name, text, "sk_", "rk_")


def parse_publishable_key(name: str, text: str) -> str:
    return _check_prefix(name, text, "pk_")


def parse_webhook_secrets(name: str, text: str) -> tuple[str, ...]:
    secrets = (part.strip() for part in text.split(","))
    return tuple(_check_prefix(name, secret, "whsec_") for secret in secrets if secret)


def _check_prefix(name: str, text: str, *prefixes: str) -> str:
    """The message does not quote what may be a secret."""
    if not text.startswith(prefixes):
        raise BadEnvironment(name, "is another kind of key", f"It begins with {' or '.join(prefixes)}")
    return text


class Payments(Section):
    TITLE = "Payments by card (docs/payments.md). Without a secret key, credits are topped up by hand only."

    stripe_secret_key = Variable(
        "LEADSWITCH_STRIPE_SECRET_KEY",
        parse_secret_key,
        default="",
        example="sk_live_...",
        help="Secret or restricted key of the Stripe account that buyers pay to.",
    )
    stripe_publishable_key = Variable(
        "LEADSWITCH_STRIPE_PUBLISHABLE_KEY",
        parse_publishable_key,
        default="",
        example="pk_live_...",
        help="The account's publishable key, with which a browser sends a card to Stripe.",
    )
    stripe_webhook_secrets = Variable(
        "LEADSWITCH_STRIPE_WEBHOOK_SECRETS",
        parse_webhook_secrets,
        default=NO_SECRETS,
        example="whsec_...",
        help=(
            "Signing secrets of the account's webhook endpoint, separated by commas. While a secret is rotated, name"
            " both."
        ),
    )
    stripe_api_base = Variable(
        "LEADSWITCH_STRIPE_API_BASE",
        parse_http_url,
        default=STRIPE_API,
        help="Where Stripe's API is. Another address is for tests.",
    )
    stripe_js_url = Variable(
        "LEADSWITCH_STRIPE_JS_URL",
        parse_http_url,
        default=STRIPE_JS,
        help="Where the portal's page that takes a card loads Stripe.js from. Another address is for tests.",
    )
    payments_poll_ms = Variable(
        "LEADSWITCH_PAYMENTS_POLL_MS",
        IntegerRange(50, 60_000),
        default=2_000,
        help="How often the payer of a deliverer looks for due payments when PostgreSQL has not woken it.",
    )

    payments_period_seconds = Variable(
        "LEADSWITCH_PAYMENTS_PERIOD_SECONDS",
        IntegerRange(10, 86_400),
        default=900,
        help="How often Celery beat starts the reconciler payments, which compares payments with Stripe's lists.",
    )

    @property
    def stripe_account(self) -> StripeAccount | None:
        if not self.stripe_secret_key:
            return None
        return StripeAccount(
            secret_key=self.stripe_secret_key,
            publishable_key=self.stripe_publishable_key,
            webhook_secrets=self.stripe_webhook_secrets,
            api_base=self.stripe_api_base.rstrip("/"),
            js_url=self.stripe_js_url,
        )


def check_payments(environment: Payments) -> None:
    """Raises BadEnvironment for an account that could take money and not hear of it."""
    if not environment.stripe_secret_key:
        return
    for name, value in (
        ("LEADSWITCH_STRIPE_PUBLISHABLE_KEY", environment.stripe_publishable_key),
        ("LEADSWITCH_STRIPE_WEBHOOK_SECRETS", environment.stripe_webhook_secrets),
    ):
        if not value:
            raise BadEnvironment(
                name, "is required with LEADSWITCH_STRIPE_SECRET_KEY", "Copy it from the Dashboard"
            )
