"""Django's PostgreSQL connection: it leaves a server that takes no writes, and plans that a migration made old."""

from collections.abc import Callable
from typing import Any, Final

import psycopg
from django.db import NotSupportedError
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper
from psycopg.pq import TransactionStatus

from routing import metrics
from routing.database import is_old_plan

# "on" in recovery too: of a standby, and of a server that was demoted under its clients.
ASK: Final = "SHOW transaction_read_only"
FORGET_PLANS: Final = "DEALLOCATE ALL"  # the driver sees it, and forgets their names


def with_new_plan(
    execute: Callable[..., Any],
    sql: str,
    parameters: Any,
    many: bool,  # noqa: FBT001 - the signature is Django's
    context: dict[str, Any],
) -> Any:
    """Run a statement again whose plan is old, where nothing came before it in its transaction.

    Any other ends its transaction: whoever began that knows whether to begin again.
    """
    raw = context["connection"].connection
    is_first = raw is not None and raw.pgconn.transaction_status == TransactionStatus.IDLE
    try:
        return execute(sql, parameters, many, context)
    except NotSupportedError as error:
        if many or not is_first or not is_old_plan(error):
            raise
        raw.rollback()
        raw.execute(FORGET_PLANS)
    metrics.OLD_PLANS.labels(again="statement").inc()
    return execute(sql, parameters, many, context)


class DatabaseWrapper(DjangoWrapper):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.execute_wrappers.append(with_new_plan)

    def is_usable(self) -> bool:
        """Asked at a request's or task's first statement, and after an error outside a transaction.

        A session that was opened on a server before it was demoted would stay there, and a read-only default is taken
        over when a session begins: both are left, and the next statement gets a new connection. While the server takes
        no writes, that one is left again.
        """
        if self.connection is None:
            return False
        try:
            with self.connection.cursor() as cursor:
                return bool(cursor.execute(ASK).fetchone() == ("off",))
        except psycopg.Error:
            return False
