"""What Celery beat starts, and how often."""

from collections.abc import Mapping
from typing import Any, Final

# The task itself looks at the clock. A failed mail is tried again by the next run.
DIGEST: Final = {
    "send-digest": {"task": "leadswitch.send_digest", "schedule": 300.0, "options": {"expires": 300}},
}


def make_beat_schedule(
    reconcilers: Mapping[str, tuple[str, int]], *, pickup_period_seconds: int, sends_digest: bool
) -> dict[str, dict[str, Any]]:
    """`reconcilers`: by name, the function and the seconds between its runs."""
    return {
        "pick-up-due": {
            "task": "distribution.pick_up_due",
            "schedule": float(pickup_period_seconds),
            # Many queued pick-ups after an outage would do the work of one.
            "options": {"expires": pickup_period_seconds},
        },
        "forget-idempotency-keys": {
            "task": "routing.forget_idempotency_keys",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "forget-pings": {
            "task": "routing.forget_pings",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        # A request for a link wakes a worker. This finds what the wake-up missed, and what must be sent again.
        "mail-portal-links": {
            "task": "leadswitch.mail_portal_links",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "mail-recharge-notices": {
            "task": "leadswitch.mail_recharge_notices",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        **{
            f"reconcile-{name}": {
                "task": "routing.reconcile",
                "args": (name,),
                "schedule": float(period_seconds),
                "options": {"expires": period_seconds},
            }
            for name, (_, period_seconds) in reconcilers.items()
        },
        **(DIGEST if sends_digest else {}),
    }
