"""Counts a connection's statements for /metrics under django-prometheus's names: django_db_execute_total and its like.

That library's cursor looks its counters up by their labels in every statement; this one has them at hand.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from django_prometheus.db import errors_total, execute_many_total, execute_total, query_duration_seconds


def measured(cursor_class: type[Any], *, alias: str, vendor: str) -> type[Any]:
    """Return a class of cursors that do the same and are counted."""
    executed = execute_total.labels(alias, vendor)
    executed_many = execute_many_total.labels(alias, vendor)
    duration = query_duration_seconds.labels(alias, vendor)

    def measure(run: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        started = perf_counter()
        try:
            return run(*arguments, **options)
        except Exception as error:
            errors_total.labels(alias, vendor, type(error).__name__).inc()
            raise
        finally:
            duration.observe(perf_counter() - started)

    class MeasuredCursor(cursor_class):  # type: ignore[misc]  # the class is chosen when it runs
        def execute(self, *arguments: Any, **options: Any) -> Any:
            executed.inc()
            return measure(super().execute, *arguments, **options)

        def executemany(self, query: Any, rows: Any, *arguments: Any, **options: Any) -> Any:
            rows = list(rows)
            executed.inc(len(rows))
            executed_many.inc(len(rows))
            return measure(super().executemany, query, rows, *arguments, **options)

    return MeasuredCursor
