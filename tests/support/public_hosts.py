"""Host names as the form of an endpoint sees them, without a name server: each has a public address."""

from collections.abc import Sequence

from distribution.deliveries.outbound import OutboundClient, Policy

PUBLIC = "93.184.215.14"


def resolve_public(host: str) -> Sequence[str]:  # noqa: ARG001 - every host has it
    return [PUBLIC]


def make_checking_client() -> OutboundClient:
    """With the policy of production. Nothing is sent: the form only checks."""
    return OutboundClient(Policy(), resolve=resolve_public)
