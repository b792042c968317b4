"""Counts the test leads of a source by day (UTC), up to LEADSWITCH_TEST_LEADS_PER_DAY.

Test leads charge nothing, so nothing else stops a program that sends them in a loop. Real leads run no statement here.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from routing.models import Source


def reserve_test_leads(number: int, *, source_id: int) -> int:
    """Count up to `number` more test leads of today, and return how many of them may be stored.

    The row's lock makes two requests at once count both. Another day begins at midnight UTC.
    """
    if number == 0:
        return 0
    today = timezone.now().date()
    with transaction.atomic():
        row = (
            Source.objects.select_for_update(no_key=True)
            .only("test_leads_on", "test_leads")
            .get(pk=source_id)
        )
        if row.test_leads_on != today:
            row.test_leads_on, row.test_leads = today, 0
        granted = max(0, min(number, settings.LEADSWITCH_TEST_LEADS_PER_DAY - row.test_leads))
        row.test_leads = row.test_leads + granted
        row.save(update_fields=["test_leads_on", "test_leads"])
    return granted


def seconds_to_next_day(at: datetime) -> int:
    """Return how long to wait until test leads are accepted again. `at` in UTC."""
    passed = timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
    return int((timedelta(days=1) - passed).total_seconds())
