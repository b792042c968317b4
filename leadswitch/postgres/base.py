"""Django's PostgreSQL connection, which leaves a read-only server and drops plans that a migration made invalid.

It can plan each statement for its own values.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from django.db import NotSupportedError
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper
from django_prometheus.db.common import DatabaseWrapperMixin
from psycopg.pq import TransactionStatus

from leadswitch.postgres.measured import measured
from leadswitch.postgres.schema import SchemaEditor
from routing.metrics.postgres import OLD_PLANS
from routing.postgres_errors import is_old_plan

# "on" in recovery too: on a standby, and on a server that was demoted while clients were connected.
ASK: Final = "SHOW transaction_read_only"
FORGET_PLANS: Final = "DEALLOCATE ALL"  # the driver notices this and forgets the names


def with_new_plan(
    execute: Callable[..., Any],
    sql: str,
    parameters: Any,
    many: bool,  # noqa: FBT001 - Django's signature
    context: dict[str, Any],
) -> Any:
    """Run a statement with an invalid plan again if it is the first of its transaction.

    Otherwise the error ends the transaction, and the caller decides whether to start it again.
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
    OLD_PLANS.labels(again="statement").inc()
    return execute(sql, parameters, many, context)


class DatabaseWrapper(DatabaseWrapperMixin, DjangoWrapper):  # type: ignore[misc]  # the mixin has no types
    """The mixin counts new connections, and those that fail."""

    SchemaEditorClass = SchemaEditor
    skips_prepared_statements = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.execute_wrappers.append(with_new_plan)

    @contextmanager
    def without_prepared_statements(self) -> Iterator[None]:
        """Prepare nothing, so that each statement is planned for its own values. Needs no round trip.

        The same text of a filtered list may read a few rows or a whole table. After some uses of a prepared statement
        the server chooses a generic plan, which fits the average only. Statements already prepared stay prepared.
        """
        self.skips_prepared_statements = True
        self._set_threshold()
        try:
            yield
        finally:
            self.skips_prepared_statements = False
            self._set_threshold()

    def get_connection_params(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super().get_connection_params()
        cursors = parameters["cursor_factory"]
        return {**parameters, "cursor_factory": measured(cursors, alias=self.alias, vendor=self.vendor)}

    def create_cursor(self, name: str | None = None) -> Any:
        """Bypass the mixin, which sets the class of cursors in a way that psycopg 3 does not support."""
        return DjangoWrapper.create_cursor(self, name)

    def get_new_connection(self, conn_params: Any) -> Any:
        connection = super().get_new_connection(conn_params)
        if self.skips_prepared_statements:
            connection.prepare_threshold = None
        return connection

    def _set_threshold(self) -> None:
        if self.connection is not None:
            usual = self.settings_dict["OPTIONS"].get("prepare_threshold")
            self.connection.prepare_threshold = None if self.skips_prepared_statements else usual

    def is_usable(self) -> bool:
        """Django calls this before the first statement of a request or task, and after an error outside a transaction.

        A session is read-only if its server was demoted, or if that was the default when the session began. It is
        closed, and the next statement gets a new connection. This repeats while the server accepts no writes.
        """
        if self.connection is None:
            return False
        try:
            with self.connection.cursor() as cursor:
                return bool(cursor.execute(ASK).fetchone() == ("off",))
        except psycopg.Error:
            return False
