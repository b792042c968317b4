"""Issues the statements of months that have ended, also after an outage, and mails them."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import connection

from distribution.models import Wallet
from distribution.statements.issue import BEAT, issue_statement
from distribution.statements.mail import send_due
from distribution.statements.missing import Missing, find_missing
from routing.queries import read_clock
from tracing.reconciling import Counts, name_rows

logger = logging.getLogger(__name__)

# All of them can time out below the soft time limit of a task.
MAILS_AT_ONCE: Final = 4


def run(*, fix: bool, limit: int) -> Counts:
    at = read_clock()
    missing = find_missing(at=at, limit=limit)
    issued = _issue_each(missing, at=at) if fix else 0
    if fix:
        send_due(at=at, limit=MAILS_AT_ONCE)
    named = name_rows("wallet", dict.fromkeys(each.wallet_id for each in missing))
    return Counts(len(missing), issued, len(missing) - issued, named)


def _issue_each(missing: Iterable[Missing], *, at: datetime) -> int:
    """Each in a transaction of its own. After a failure the later months of that wallet wait."""
    issued, failed = 0, set()
    for each in missing:
        if each.wallet_id in failed:
            continue
        try:
            _, is_new = issue_statement(
                Wallet.objects.get(pk=each.wallet_id), each.first_day, at=at, actor=BEAT
            )
            issued += is_new
        except Exception as error:
            if not connection.is_usable():
                raise
            failed.add(each.wallet_id)
            logger.error(
                "statements.not_issued", extra={"cause": type(error).__name__, "wallet_id": each.wallet_id}
            )
    return issued
