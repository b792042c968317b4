"""Django's schema editor: a concurrent index build waits for open transactions and can be repeated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import Index, Model

# An interrupted build leaves an invalid index behind.
IS_VALID: Final = (
    "SELECT indisvalid FROM pg_index WHERE indrelid = to_regclass(%s) AND indexrelid = to_regclass(%s)"
)
LIMITS: Final = ("lock_timeout", "statement_timeout")


class SchemaEditor(DatabaseSchemaEditor):
    def add_index(self, model: type[Model], index: Index, concurrently: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature is Django's
        """Build the index if there is no valid one: a second run of a migration finds the index of the first."""
        if not concurrently or self.collect_sql:
            super().add_index(model, index, concurrently=concurrently)
            return
        is_valid = self._is_valid(model, index)
        if is_valid:
            return
        with self._without_time_limits():
            if is_valid is not None:
                super().remove_index(model, index, concurrently=True)
            super().add_index(model, index, concurrently=True)

    def remove_index(self, model: type[Model], index: Index, concurrently: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature is Django's
        if not concurrently or self.collect_sql:
            super().remove_index(model, index, concurrently=concurrently)
        elif self._is_valid(model, index) is not None:
            with self._without_time_limits():
                super().remove_index(model, index, concurrently=True)

    def _is_valid(self, model: type[Model], index: Index) -> bool | None:
        """None if there is no such index."""
        names = [self.quote_name(model._meta.db_table), self.quote_name(index.name)]
        with self.connection.cursor() as cursor:
            row = cursor.execute(IS_VALID, names).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _without_time_limits(self) -> Iterator[None]:
        """Wait for every open transaction: a backup or an import has one for minutes. Writers do not wait for it.

        Behind PgBouncer the limits stay: another client would get the settings of this session.
        """
        limits: tuple[Any, ...] = (
            () if self.connection.settings_dict["DISABLE_SERVER_SIDE_CURSORS"] else LIMITS
        )
        with self.connection.cursor() as cursor:
            for limit in limits:
                cursor.execute(f"SET {limit} = 0")
            try:
                yield
            finally:
                for limit in limits:
                    cursor.execute(f"RESET {limit}")
