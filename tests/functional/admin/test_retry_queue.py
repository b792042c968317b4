"""The retry queue's page: leads that wait for another try, soonest first, with reasons and an operator's actions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from routing.admin.retryqueue import wait_in_words
from routing.leads.actions import ActionRefused, give_up_lead
from routing.models import Lead, RetryingLead, Workspace
from tests.support.admin_pages import SCOPED_ROLES, act_url, client_of, lead_title, page, person, texts
from tests.support.factories import LeadFactory, SourceFactory
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db

URL = page(RetryingLead, "changelist")


def waiting(minutes: float = 5, **fields: Any) -> Lead:
    values = {
        "attempts": 1,
        "errors": 1,
        "skip_reason": "internal_error",
        "due_reason": "internal_error",
        "next_attempt_at": timezone.now() + timedelta(minutes=minutes),
    }
    lead: Lead = LeadFactory(**{**values, **fields})
    return lead


def shown(client: Client, query: str = "") -> list[int]:
    return [row.pk for row in client.get(URL + query).context["cl"].result_list]


@pytest.fixture
def root() -> Client:
    return client_of(person("admin"))


def test_retried_leads_are_listed_soonest_first(root: Client) -> None:
    later, sooner, due = waiting(9), waiting(2), waiting(-1)
    LeadFactory()  # waits for its first attempt
    waiting(status="failed", next_attempt_at=None, finished_at=timezone.now())

    assert shown(root) == [due.pk, sooner.pk, later.pk]


def test_row_shows_due_time_reason_and_attempts(root: Client) -> None:
    source = SourceFactory()
    waiting(source=source, attempts=7, errors=2, conflicts=0)
    waiting(source=source, skip_reason="tier_lock_contention", errors=0, conflicts=4, minutes=0)
    waiting(source=source, skip_reason="all_buyers_capped", errors=0, paused_at=timezone.now())
    Workspace.objects.update(max_attempts=5)

    content = root.get(URL).content.decode()

    for text in (
        *("in 5 minutes", "7 (failed 2 of 5)", "LeadSwitch failed while deciding"),
        *(">now<", "1 (busy 4 of 20)", "All eligible buyers were busy with other leads."),
        *("when it is resumed", "has reached a cap or budget"),
    ):
        assert text in content, text
    Workspace.objects.update(paused_at=timezone.now())
    assert "when its workspace is resumed" in root.get(URL).content.decode()


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=1), "in 1 minute"),
        (timedelta(minutes=5, seconds=1), "in 6 minutes"),
        (timedelta(minutes=90), "in 90 minutes"),
        (timedelta(hours=7), "in 7 hours"),
        (timedelta(days=3), "in 3 days"),
        (timedelta(days=90), "never (expires first)"),
    ],
)
def test_wait_is_shown_in_words(wait: timedelta, words: str) -> None:
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)
    lead = RetryingLead(next_attempt_at=at + wait, expires_at=at + timedelta(days=90))
    assert wait_in_words(lead, at=at) == words


def test_pages_are_found_by_due_time_and_id(root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many are due at the same moment: no lead is left out, and going back shows the previous page."""
    source, at = SourceFactory(), timezone.now()
    leads = [
        waiting(source=source, next_attempt_at=at + timedelta(minutes=number // 4)) for number in range(10)
    ]
    monkeypatch.setattr(admin.site._registry[RetryingLead], "list_per_page", 3)
    pages, urls, url = [], [], ""
    while True:
        change_list = root.get(URL + url).context["cl"]
        pages.append([row.pk for row in change_list.result_list])
        urls.append(change_list)
        if not change_list.older_url:
            break
        url = change_list.older_url

    assert [pk for each in pages for pk in each] == [lead.pk for lead in leads]
    assert [len(each) for each in pages] == [3, 3, 3, 1]
    assert shown(root, urls[2].newer_url) == pages[1]
    assert shown(root, urls[1].newer_url) == pages[0]
    assert not urls[0].newer_url
    content = root.get(URL + urls[1].older_url).content.decode()
    assert ">Soonest<" in content
    assert ">Sooner<" in content
    with CaptureQueriesContext(connection) as captured:
        root.get(URL + urls[1].older_url)
    assert not [each["sql"] for each in captured if "OFFSET" in each["sql"] or "COUNT(" in each["sql"]]


@pytest.mark.parametrize("key", ["x", "1", "-1", "1-", "1-x", "9" * 18 + "-1", "1-" + "9" * 30, "٣-1"])
def test_page_with_an_invalid_key_is_the_first(root: Client, key: str) -> None:
    lead = waiting()
    for parameter in ("older_than", "newer_than"):
        response = root.get(URL, {parameter: key})
        assert [row.pk for row in response.context["cl"].result_list] == [lead.pk]


def test_page_costs_the_same_statements_with_more_rows(root: Client) -> None:
    waiting()
    root.get(URL)

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert root.get(URL).status_code == 200
        return len(captured)

    few = count()
    for _ in range(5):
        waiting()
    assert count() == few


def test_retry_queue_can_be_filtered_and_searched(root: Client) -> None:
    failed, capped = waiting(), waiting(skip_reason="all_buyers_capped", paused_at=timezone.now())
    assert shown(root, "?skip_reason=internal_error") == [failed.pk]
    assert shown(root, "?paused=yes") == [capped.pk]
    assert shown(root, f"?q={capped.public_id}") == [capped.pk]


@pytest.mark.parametrize("role", SCOPED_ROLES)
def test_users_see_their_own_and_operators_act(role: str) -> None:
    """Every query is scoped to the caller, and view-only staff cannot act."""
    mine, foreign = waiting(), waiting()
    client = client_of(person(role, mine.workspace))

    response = client.get(URL)

    assert [row.pk for row in response.context["cl"].result_list] == [mine.pk]
    assert str(foreign.public_id) not in response.content.decode()
    assert (b'name="action"' in response.content) is (role == "operator")
    before = list(Lead.objects.order_by("pk").values())
    for name in ("rerun", "give_up"):
        status = client.post(act_url(name, foreign), {"reason": "x"}).status_code
        assert status == (404 if role == "operator" else 403)
        client.post(URL, {"action": f"{name}_leads", "_selected_action": [foreign.pk]})
    assert list(Lead.objects.order_by("pk").values()) == before
    assert not AuditEntry.objects.exists()


def test_user_without_lead_permission_does_not_see_it() -> None:
    client = client_of(person("viewer"))
    assert client.get(URL).status_code == 200
    person_without = person("viewer")
    person_without.groups.clear()
    assert client_of(person_without).get(URL).status_code == 403
    assert Client().get(URL).status_code == 302


def test_model_has_a_list_only(root: Client) -> None:
    lead = waiting()
    for path in ("add/", f"{lead.pk}/change/", f"{lead.pk}/delete/", f"{lead.pk}/history/"):
        assert root.get(URL + path).status_code == 404


class TestActions:
    @pytest.fixture
    def lead(self) -> Lead:
        return waiting(60, attempts=2, errors=2)

    @pytest.fixture
    def operator(self, lead: Lead) -> Client:
        return client_of(person("operator", lead.workspace))

    def choose(self, operator: Client, name: str, *leads: Lead) -> str:
        """The confirmation page."""
        data = {"action": f"{name}_leads", "_selected_action": [lead.pk for lead in leads]}
        return str(operator.post(URL, data)["Location"])

    def test_run_now_only_makes_the_lead_due(self, operator: Client, lead: Lead) -> None:
        """The attempt passes every check, and the count of tries continues."""
        url = self.choose(operator, "rerun", lead)
        assert url == act_url("rerun", lead) + "&list=retryinglead"

        done = operator.post(url, {"reason": "the bug is fixed"}, follow=True)

        assert texts(done) == ["1 lead: due now."]
        lead.refresh_from_db()
        assert lead.next_attempt_at <= timezone.now()
        assert (lead.status, lead.due_reason, lead.attempts, lead.errors) == ("pending", "manual", 2, 2)
        assert AuditEntry.objects.get().action == "rerun"

    def test_run_now_does_not_pass_a_pause(self, operator: Client, lead: Lead) -> None:
        Lead.objects.update(paused_at=timezone.now())
        done = operator.post(act_url("rerun", lead), {"reason": "now"}, follow=True)
        assert texts(done) == [f"{lead_title(lead)}: it is paused; resume it first"]
        assert not AuditEntry.objects.exists()

    def test_give_up_parks_it_with_a_reason(self, operator: Client, lead: Lead) -> None:
        url = self.choose(operator, "give_up", lead)
        assert "1 lead will be marked as failed" in operator.get(url).content.decode()
        assert operator.post(url, {"reason": " "}).status_code == 400
        assert not AuditEntry.objects.exists()

        done = operator.post(url, {"reason": "the sender withdrew it"}, follow=True)

        assert texts(done) == ["1 lead: given up."]
        lead.refresh_from_db()
        assert (lead.status, lead.skip_reason, lead.next_attempt_at) == ("failed", "internal_error", None)
        assert (lead.due_reason, lead.attempts) == ("given_up", 2)
        assert lead.finished_at is not None
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.reason, entry.after["status"]) == (
            "give_up",
            "the sender withdrew it",
            "failed",
        )
        assert shown(operator) == []
        operator.post(act_url("rerun", lead), {"reason": "after all"})
        lead.refresh_from_db()
        assert (lead.status, lead.errors) == ("pending", 0)

    def test_lead_outside_the_queue_cannot_be_given_up(self, operator: Client, lead: Lead) -> None:
        fresh = LeadFactory(source=lead.source)
        sold = LeadFactory(
            source=lead.source, status="distributed", next_attempt_at=None, finished_at=timezone.now()
        )
        for each, why in (
            (fresh, "it is waiting for its first attempt; cancel it instead"),
            (sold, "it is not waiting for a retry: sold"),
        ):
            with pytest.raises(ActionRefused, match=why):
                give_up_lead(each.pk, at=timezone.now())
        done = operator.post(act_url("give_up", lead, fresh), {"reason": "x"}, follow=True)
        assert "1 lead: given up." in texts(done)
        assert Lead.objects.filter(status="failed").count() == 1
