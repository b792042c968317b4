"""From when on payments by card are a problem: for alerts and gauges."""

from typing import Final

# A payment is sent within seconds, and one whose answer was lost is settled within minutes.
STUCK_MINUTES: Final = 30
REFUSED_WEBHOOKS: Final = 5
REFUSED_MINUTES: Final = 30
