"""The HTTP client through which every request to a buyer goes. It knows nothing of leads, models or settings.

It connects to public addresses only, and to networks that an allow-list names. A host is looked up once for a
connection, every address of it is checked, and the connection goes to a checked address. It follows no redirect,
verifies TLS, and bounds time and bytes of every answer. See `docs/outbound.md`.
"""

from distribution.deliveries.outbound.client import OutboundClient
from distribution.deliveries.outbound.failures import FAILURES, Failure, RefusedURL
from distribution.deliveries.outbound.policy import Policy
from distribution.deliveries.outbound.request import (
    CONNECT_SECONDS,
    MAX_BODY_BYTES,
    OutboundRequest,
    Timeouts,
)
from distribution.deliveries.outbound.result import OutboundResult

__all__ = [
    "CONNECT_SECONDS",
    "FAILURES",
    "MAX_BODY_BYTES",
    "Failure",
    "OutboundClient",
    "OutboundRequest",
    "OutboundResult",
    "Policy",
    "RefusedURL",
    "Timeouts",
]
