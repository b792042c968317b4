"""Counts a connection's statements for /metrics under django-prometheus's names, such as django_db_execute_total.

That library's cursor looks up its counters by their labels for every statement. This one looks them up once.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from django_prometheus.db import errors_total, execute_many_total, execute_total, query_duration_seconds


def measured(cursor_class: type[Any], *, alias: str, vendor: str) -> type[Any]:
    """Return a subclass of the cursor that counts and times its statements."""
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

    class MeasuredCursor(cursor_class):  # type: ignore[misc]  # the base class is known only at run time
        def execute(self, *arguments: Any, **options: Any) -> Any:
            executed.inc()
            return measure(super().execute, *arguments, **options)

        def executemany(self, query: Any, rows: Any, *arguments: Any, **options: Any) -> Any:
            rows = list(rows)
            executed.inc(len(rows))
            executed_many.inc(len(rows))
            return measure(super().executemany, query, rows, *arguments, **options)

    return MeasuredCursor
