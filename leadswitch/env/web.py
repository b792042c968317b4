"""Variables of secrets, of the web server and of logging in."""

from functools import partial
from typing import Any, Final

from leadswitch.env.parse import (
    LOOPBACK,
    BadEnvironment,
    IntegerRange,
    one_of,
    parse_bool,
    parse_hosts,
    parse_secret,
)
from leadswitch.env.variable import Derived, Section, Variable
from leadswitch.secretfile import read_or_create_secret

SECOND_FACTOR_RULES: Final = ("nobody", "superusers", "staff")


def is_production(environment: Any) -> bool:
    return not (environment.locations.is_embedded or environment.debug)


def make_secret(environment: Any, *, name: str) -> str:
    """Read the secret that this installation made for itself, or make it. Raises BadEnvironment in production."""
    if is_production(environment):
        problem = "is required when DATABASE_URL and REDIS_URL are set"
        raise BadEnvironment(name, problem, "Set 50 random characters")
    return read_or_create_secret(environment.locations.var_dir / f"{name.lower()}.txt")


def make_metrics_token(environment: Any) -> str:
    """Empty in production: then there is no /metrics."""
    return "" if is_production(environment) else make_secret(environment, name="LEADSWITCH_METRICS_TOKEN")


def allow_loopback(environment: Any) -> tuple[str, ...]:
    """Raises BadEnvironment in production."""
    if is_production(environment):
        raise BadEnvironment(
            "ALLOWED_HOSTS", "is required in production", "List the host names, separated by commas"
        )
    return LOOPBACK


class Secrets(Section):
    TITLE = (
        "Required when both URLs are set and DEBUG is off. An embedded installation makes its own in var/."
    )

    secret_key = Variable(
        "SECRET_KEY",
        parse_secret,
        default=Derived(partial(make_secret, name="SECRET_KEY")),
        help="Signs sessions and tokens. At least 32 characters.",
    )
    identity_key = Variable(
        "LEADSWITCH_IDENTITY_KEY",
        parse_secret,
        default=Derived(partial(make_secret, name="LEADSWITCH_IDENTITY_KEY")),
        help=(
            "The key of the hashes that identify leads for the same person. With another key, stored"
            " hashes match no new lead. At least 32 characters."
        ),
    )
    encryption_key = Variable(
        "LEADSWITCH_ENCRYPTION_KEY",
        parse_secret,
        default=Derived(partial(make_secret, name="LEADSWITCH_ENCRYPTION_KEY")),
        help=(
            "Encrypts secrets and headers of endpoints in the database. With another key, stored ones cannot be"
            " read and must be entered again. At least 32 characters."
        ),
    )
    allowed_hosts = Variable(
        "ALLOWED_HOSTS",
        parse_hosts,
        default=Derived(allow_loopback),
        example="leads.example.com",
        help="Host names under which the product is served, separated by commas. Loopback is always allowed.",
    )


class Web(Section):
    TITLE = "Web (docs/web.md)"

    debug = Variable(
        "DEBUG", parse_bool, default=False, help="Show error pages with source code. Never in production."
    )
    is_https = Variable(
        "LEADSWITCH_HTTPS",
        parse_bool,
        default=Derived(is_production),
        example="true",
        help=(
            "Redirect to HTTPS, and set secure cookies and HSTS. Default: true when both URLs are set and DEBUG is off."
        ),
    )
    is_behind_proxy = Variable(
        "LEADSWITCH_TRUST_PROXY",
        parse_bool,
        default=False,
        help="Trust X-Forwarded-Proto and X-Forwarded-For. Only behind a proxy that sets both headers itself.",
    )
    hsts_include_subdomains = Variable(
        "LEADSWITCH_HSTS_INCLUDE_SUBDOMAINS",
        parse_bool,
        default=False,
        help="Extend HSTS to all subdomains of the host, including those that are not LeadSwitch.",
    )
    hsts_preload = Variable(
        "LEADSWITCH_HSTS_PRELOAD",
        parse_bool,
        default=False,
        help="Allow the host on the HSTS preload list of browsers. It takes months to get off that list.",
    )
    metrics_token = Variable(
        "LEADSWITCH_METRICS_TOKEN",
        parse_secret,
        default=Derived(make_metrics_token),
        help=(
            "Prometheus sends this token to /metrics: Authorization: Bearer TOKEN. At least 32 characters; without a"
            " token /metrics returns 404. An embedded installation makes its own in var/leadswitch_metrics_token.txt."
        ),
    )


class Login(Section):
    TITLE = "Logging in to the admin (docs/web.md)"

    login_failures = Variable(
        "LEADSWITCH_LOGIN_FAILURES",
        IntegerRange(1, 100),
        default=5,
        help="Wrong passwords in a row after which a name is locked for an address.",
    )
    login_lock_minutes = Variable(
        "LEADSWITCH_LOGIN_LOCK_MINUTES",
        IntegerRange(1, 10_080),
        default=15,
        help="How long the name stays locked.",
    )
    second_factor = Variable(
        "LEADSWITCH_SECOND_FACTOR",
        one_of(*SECOND_FACTOR_RULES),
        default="nobody",
        help="Who must use two-factor authentication: nobody, superusers or staff. Every user may use it.",
    )


class Portal(Section):
    TITLE = "The portal of buyers (docs/portal.md)"

    portal_session_days = Variable(
        "LEADSWITCH_PORTAL_SESSION_DAYS",
        IntegerRange(1, 90),
        default=14,
        help="How many days a person stays signed in to the portal.",
    )
