"""Compares payments by card with the provider's lists, and brings pending ones further if no payer is alive.

A missing credit, refund or dispute is applied. What needs a person is reported: a payment that the provider does not
have, or one of ours that we do not have, or another amount.
"""

import logging
from datetime import timedelta
from itertools import islice
from typing import Final

from distribution.models import ProviderEvent
from distribution.payments.account import has_cards
from distribution.payments.comparing import compare, find_since, set_mark
from distribution.payments.payer import run_due
from distribution.payments.provider import AnswerUnknown, RequestRefused
from routing.queries import read_clock
from tracing.reconciling import MAX_NAMED, Counts

logger = logging.getLogger(__name__)

# The provider sends a webhook again for three days, and a person can do so for thirty.
WEBHOOKS_KEPT: Final = timedelta(days=90)
NOT_SET_UP: Final = Counts(named=("payments by card are not set up: nothing was compared",))
NOT_COMPARED: Final = Counts(skipped=1, named=("provider not reached",))


def run(*, fix: bool, limit: int) -> Counts:
    if not has_cards():
        return NOT_SET_UP
    if fix:
        run_due()
        _forget_webhooks()
    try:
        return _compare(fix=fix, limit=limit)
    except (AnswerUnknown, RequestRefused) as error:
        logger.warning("payments.not_compared", extra={"cause": str(error)})
        return NOT_COMPARED


def _compare(*, fix: bool, limit: int) -> Counts:
    """The mark moves only if everything was read."""
    at = read_clock()
    compared = compare(since=find_since(at=at), at=at, fix=fix)
    rows = list(islice(compared, limit))
    if fix and len(rows) < limit:
        set_mark(at)
    found = [row for row in rows if row is not None]
    healed = sum(row.is_healed for row in found)
    named = tuple(row.name for row in found)[:MAX_NAMED]
    for row in found:
        logger.error("payments.differs", extra={"payment": row.name, "result": row.is_healed})
    return Counts(checked=len(rows), repaired=healed, skipped=len(found) - healed, named=named)


def _forget_webhooks() -> None:
    ProviderEvent.objects.filter(received_at__lt=read_clock() - WEBHOOKS_KEPT).delete()
