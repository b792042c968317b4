"""The outbound client of this process, as the settings configure it."""

from functools import cache

from django.conf import settings

from distribution.deliveries.outbound import OutboundClient, Policy


@cache
def get_client() -> OutboundClient:
    """Call it after a fork: the client holds connections."""
    return OutboundClient(Policy(settings.LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS))
