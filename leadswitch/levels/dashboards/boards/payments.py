"""Payments by card: a row of the board *Deliveries*, because the deliverer sends both."""

from typing import Final

from leadswitch.levels.dashboards.board import Panel, Row, Unit
from leadswitch.levels.dashboards.boards.queries import gauge, increase, increase_by

PAYMENTS: Final = Row(
    "Payments by card",
    (
        Panel(
            title="Card payments",
            description="Payments that ended or must be confirmed, by outcome. Normal: mostly succeeded, no surplus.",
            unit=Unit.COUNT,
            queries=(increase_by("outcome", "leadswitch_card_payments_total"),),
        ),
        Panel(
            title="Payments by origin",
            description="The same by who started them: the buyer, automatic recharge, or the provider (surplus).",
            unit=Unit.COUNT,
            queries=(increase_by("origin", "leadswitch_card_payments_total"),),
        ),
        Panel(
            title="Open payments",
            description="Payments and refunds that have not ended, and the age of the oldest that waits for the"
            " provider. Normal: few, of seconds; minutes after an answer was lost.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_payments_open", "open"),
                gauge("leadswitch_payment_oldest_open_age_seconds", "oldest, in seconds"),
            ),
        ),
        Panel(
            title="Provider",
            description="Requests to the card provider without a known answer, and webhooks with a wrong or old"
            " signature. Normal: 0.",
            unit=Unit.COUNT,
            queries=(
                increase("leadswitch_payment_requests_unknown_total", "no answer"),
                increase("leadswitch_payment_webhooks_refused_total", "refused webhooks"),
            ),
        ),
        Panel(
            title="Webhooks by result",
            description="Verified webhooks of the card provider. Normal: applied, some repeated or ignored.",
            unit=Unit.COUNT,
            queries=(increase_by("result", "leadswitch_payment_webhooks_total"),),
        ),
        Panel(
            title="Webhooks by kind",
            description="The same by what they are about.",
            unit=Unit.COUNT,
            queries=(increase_by("kind", "leadswitch_payment_webhooks_total"),),
        ),
    ),
)
