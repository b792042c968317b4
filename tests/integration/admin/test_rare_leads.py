"""Leads of a rare kind among many: a list finds them without reading the others. No test changes the leads."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from django.contrib.auth.models import User
from django.db.models import Model

from routing.models import Lead, RetryingLead, Workspace
from tests.support.admin_pages import client_of
from tests.support.rare_values import PAGE, ask, fill_waiting_leads
from tracing.admin.keyset import MAX_SCANNED

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def leads(committing_once: Callable[[], AbstractContextManager[None]]) -> Iterator[Workspace]:
    with committing_once():
        yield fill_waiting_leads()


@pytest.mark.usefixtures("leads")
@pytest.mark.parametrize(
    ("model", "filters", "most"),
    [
        (RetryingLead, {"paused": "yes"}, PAGE),
        (RetryingLead, {"skip_reason": "internal_error"}, PAGE),
        (RetryingLead, {"skip_reason": "no_campaign"}, PAGE),
        (Lead, {"paused": "yes"}, PAGE),
        (Lead, {"status__exact": "gated"}, PAGE),
        (Lead, {"status__exact": "offered"}, PAGE),
        (Lead, {"status__exact": "calling"}, PAGE),
        (Lead, {"skip_reason": "internal_error"}, 2 * MAX_SCANNED + PAGE),
    ],
)
def test_leads_of_a_rare_kind_are_found_without_reading_the_others(
    model: type[Model], filters: dict[str, str], most: int
) -> None:
    client = client_of(User.objects.create_superuser("root"))
    answer, rows = ask(client, model, **filters)
    assert rows <= most
    shown = list(answer.context["cl"].result_list)
    expected = (
        {"internal_error": 1, "yes": 1, "gated": 1} if model is RetryingLead else {"yes": 1, "gated": 1}
    )
    assert len(shown) == sum(expected.get(value, 0) for value in filters.values())
