"""Simultaneous requests to try one lead: only as many pass as the lead has left."""

from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from routing.leads.run_limit import READ, take
from routing.models import AskedBy, LeadAllowance
from tests.support.factories import LeadFactory
from tests.support.racing import race

pytestmark = pytest.mark.usefixtures("committed_db")

THREADS = 12
COUNTED_APART = """
INSERT INTO routing_leadallowance (lead_id, asked_by, full_at) VALUES (%s, 'sender', %s)
ON CONFLICT (lead_id, asked_by) DO UPDATE SET full_at = excluded.full_at
"""


def test_three_of_many_simultaneous_calls_pass() -> None:
    lead, at = LeadFactory(), timezone.now()

    def ask() -> int:
        with transaction.atomic():
            return take(lead.pk, asked_by=AskedBy.SENDER, at=at)

    waits = race([ask] * THREADS)

    assert sorted(waits) == [0, 0, 0, *[1_200] * (THREADS - 3)]


def test_reading_before_writing_lets_all_of_them_pass() -> None:
    """Control: why it is one statement. All read before any has written."""
    lead, at = LeadFactory(), timezone.now()
    have_read = Barrier(THREADS, timeout=30)

    def ask() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(READ, [lead.pk, "sender"])
            full_at = cursor.fetchone()
            have_read.wait()
            if full_at is None:
                cursor.execute(COUNTED_APART, [lead.pk, at])
            return full_at is None

    assert race([ask] * THREADS) == [True] * THREADS
    assert LeadAllowance.objects.count() == 1
