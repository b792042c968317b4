"""Variables of the requests that LeadSwitch sends to buyers."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from leadswitch.env.parse import BadEnvironment
from leadswitch.env.variable import Section, Variable

Network = IPv4Network | IPv6Network
NO_NETWORKS: Final[tuple[Network, ...]] = ()
EXAMPLE: Final = "10.20.0.0/16,fd12:3456::/48"


def parse_networks(name: str, text: str) -> tuple[Network, ...]:
    """Networks with commas between them. An address is a network of one."""
    return tuple(_parse_network(name, part.strip()) for part in text.split(",") if part.strip())


def _parse_network(name: str, text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise BadEnvironment(name, f"{text!r} is not a network ({error})", f"Use {EXAMPLE}") from None
    if network.prefixlen == 0:
        raise BadEnvironment(name, f"{text} allows every address", "Name the networks of your receivers")
    return network


class Outbound(Section):
    TITLE = "Requests to buyers (docs/outbound.md)"

    outbound_allowed_networks = Variable(
        "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS",
        parse_networks,
        default=NO_NETWORKS,
        example=EXAMPLE,
        help=(
            "Networks of receivers that have no public address, separated by commas. They may be reached by http:// and"
            " on every port. Every user who edits endpoints can then send requests into them."
        ),
    )
