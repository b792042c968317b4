"""Variables of the process that serves server-sent events."""

from typing import Final

from leadswitch.env.parse import HTTP_SCHEMES, BadEnvironment, BadURL, IntegerRange, split_url
from leadswitch.env.variable import Section, Variable

EXAMPLE: Final = "https://leads.example.com"
NO_ORIGINS: Final[tuple[str, ...]] = ()


def parse_origins(name: str, text: str) -> tuple[str, ...]:
    """Origins with commas between them."""
    return tuple(parse_origin(name, part.strip()) for part in text.split(",") if part.strip())


def parse_origin(name: str, text: str) -> str:
    """A scheme, a host and maybe a port, without a path."""
    try:
        parts = split_url(text, HTTP_SCHEMES)
    except BadURL as error:
        raise BadEnvironment(name, str(error), f"Use {EXAMPLE}") from None
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise BadEnvironment(name, "has a path", f"Use {EXAMPLE}")
    return text.rstrip("/")


class Streams(Section):
    TITLE = "Streams of offers (docs/streams.md)"

    streams_url = Variable(
        "LEADSWITCH_STREAMS_URL",
        parse_origin,
        default="",
        example="https://streams.example.com",
        help=(
            "Where buyers reach `manage.py streams`, if not at the address of the web server. Empty: the proxy sends"
            " /api/v1/buyer/offers/stream/ and /portal/offers/stream/ to it."
        ),
    )
    stream_origins = Variable(
        "LEADSWITCH_STREAM_ORIGINS",
        parse_origins,
        default=NO_ORIGINS,
        example=EXAMPLE,
        help=(
            "Origins of the web server, separated by commas, if LEADSWITCH_STREAMS_URL is another one. Its pages may"
            " listen."
        ),
    )
    streams_check_seconds = Variable(
        "LEADSWITCH_STREAMS_CHECK_SECONDS",
        IntegerRange(1, 300),
        default=30,
        help="How often the key of each listener is checked again. A revoked key stops listening within this time.",
    )
    streams_most = Variable(
        "LEADSWITCH_STREAMS_MOST",
        IntegerRange(1, 20_000),
        default=1_000,
        help="How many listeners one process of `manage.py streams` serves. Each needs one open file.",
    )
