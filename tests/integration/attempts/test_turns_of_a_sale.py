"""The buyers of one sale take their turns in the order in which they were selected, wherever their rows lie."""

from datetime import timedelta

import pytest
from django.db import connection

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Enrollment
from tests.support.factories import CampaignFactory, LeadFactory, enroll

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_moved", [False, True])
def test_turns_are_a_microsecond_apart_in_the_order_of_selection(*, is_moved: bool) -> None:
    campaign = CampaignFactory(max_buyers=3, mode="price")
    rows = enroll(campaign, count=3, credits_cents=100_000)
    if is_moved:  # the table then has the first one last
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE distribution_enrollment SET weight = weight + 1 WHERE id = %s", [rows[0].pk]
            )
    for _ in range(4):
        lead = LeadFactory(source__workspace=campaign.workspace)
        distribute_lead(lead.pk)
        sold = Assignment.objects.filter(lead=lead).order_by("pk").values_list("enrollment_id", flat=True)
        turns = dict(Enrollment.objects.values_list("pk", "last_assigned_at"))
        first, *others = (turns[pk] for pk in sold)
        assert [each - first for each in others] == [timedelta(microseconds=n) for n in (1, 2)]
