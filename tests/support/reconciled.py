"""Reconcilers that have just run, as if beat had started them."""

from datetime import timedelta

from django.conf import settings
from django.db import connection

from routing.last_runs import record_run
from tracing.reconciling import Counts


def all_ran(*, ago: timedelta = timedelta(0)) -> None:
    for name in settings.LEADSWITCH_RECONCILERS:
        record_run(name, Counts(checked=1), took_seconds=0.1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE routing_reconcilerrun SET known_at = known_at - %s, done_at = done_at - %s", [ago, ago]
        )
