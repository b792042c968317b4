"""Rare values in a long history: reads are bounded, the list says so, and leads on to every row. No test changes it."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model

from routing.models import Workspace
from tests.support.admin_pages import client_of, person
from tests.support.filling import ROWS
from tests.support.rare_values import PAGE, ask, fill_history
from tracing.admin.keyset import MAX_SCANNED
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def workspaces(committing_once: Callable[[], AbstractContextManager[None]]) -> Iterator[list[Workspace]]:
    with committing_once():
        yield fill_history()


RARE = [
    (Attempt, {"result__exact": "failed"}),
    (Attempt, {"skip_reason": "internal_error"}),
    (LeadDistributionEvent, {"event": "buyer_selected"}),
    (LeadDistributionEvent, {"skip_reason": "locked"}),
]


@pytest.mark.parametrize(("model", "filters"), RARE)
@pytest.mark.parametrize("whose", ["all", "chosen", "scoped to one", "scoped to both"])
def test_rare_value_is_searched_in_bounds_and_found_further_back(
    model: type[Model],
    filters: dict[str, str],
    whose: str,
    workspaces: list[Workspace],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every second attempt is another workspace's, so looking at the own ones may read twice as many."""
    one, other = workspaces
    looked = MAX_SCANNED // 2
    for name in ("attempt", "event"):
        monkeypatch.setattr(f"tracing.admin.{name}.MAX_SCANNED", looked)
    if whose.startswith("scoped"):
        client = client_of(person("viewer", *workspaces[1 if whose.endswith("one") else 0 :]))
    else:
        client = client_of(User.objects.create_superuser("root"))
    chosen = {"workspace": other.pk} if whose == "chosen" else {}
    found: list[Any] = []
    older: dict[str, str] = {}
    for _ in range(3 * ROWS // 1_000):
        answer, rows = ask(client, model, **filters, **chosen, **older)
        assert rows <= 2 * 2 * looked + 10 * PAGE
        listed = answer.context["cl"]
        found += listed.result_list
        text = answer.content.decode()
        if not listed.older_url:
            assert "have been searched" not in text
            break
        assert f"{looked:,} " in text
        assert "Search older ones" in text
        assert "No matches" not in text
        older = {"older_than": re.findall(r"older_than=([^&]+)", listed.older_url)[0]}
    assert [row.lead_id for row in found] == [1] * (1 if model is Attempt else 3)
    assert one.pk != other.pk


def test_search_continues_to_newer_rows_too(workspaces: list[Workspace]) -> None:
    client = client_of(User.objects.create_superuser("root"))
    oldest = Attempt.objects.order_by("pk").first()
    assert oldest is not None
    answer, rows = ask(client, Attempt, skip_reason="internal_error", newer_than=oldest.pk)
    assert rows <= 3 * MAX_SCANNED + 10 * PAGE
    assert "Search newer ones" in answer.content.decode()
    assert answer.context["cl"].result_list == []
    assert workspaces
