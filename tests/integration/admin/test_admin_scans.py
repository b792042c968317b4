"""Lists filtered by rare values: their reads are bounded, they say so, and they lead on to every row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model

from distribution.explain.missed import MAX_SCANNED as MAX_MISSED
from distribution.explain.missed import NEWEST, list_missed
from distribution.explain.missed_period import MissedFilter
from distribution.models import Assignment, Buyer
from distribution.queries import Period, list_assignments
from routing.models import Lead, RetryingLead, Workspace
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import BuyerFactory, CampaignFactory, SourceFactory, WorkspaceFactory, enroll
from tests.support.filling import FILL_BOUGHT, FILL_EVENTS, ROWS, fill_leads
from tests.support.planting import plant
from tests.support.rare_values import FILL_ATTEMPTS, PAGE, analyze, ask, fill_history, fill_waiting_leads
from tests.support.row_counter import RowCounter
from tracing.admin.days import first_id_at
from tracing.models import Attempt, LeadDistributionEvent

HISTORY = (Attempt, LeadDistributionEvent)


@pytest.fixture
def workspaces(committed_db: None) -> list[Workspace]:  # noqa: ARG001 - it is filled
    return fill_history()


@pytest.fixture
def leads(committed_db: None) -> Workspace:  # noqa: ARG001 - it is filled
    return fill_waiting_leads()


@pytest.mark.usefixtures("workspaces")
@pytest.mark.parametrize("model", HISTORY)
def test_old_day_reads_only_that_day(model: type[Model]) -> None:
    """1,440 attempts a day, and an hour on both sides."""
    client = client_of(User.objects.create_superuser("root"))
    if model is LeadDistributionEvent:
        plant(
            "UPDATE tracing_leaddistributionevent e SET created_at = a.started_at FROM tracing_attempt a"
            " WHERE a.id = e.attempt_id"
        )
        analyze()
    each = 1 if model is Attempt else 3
    answer, rows = ask(client, model, day="2026-01-02", skip_reason="internal_error")
    assert rows <= each * (1_440 + 120)
    assert answer.context["cl"].result_list == []
    assert "have been searched" not in answer.content.decode()
    answer, rows = ask(client, model, day="2026-01-02")
    assert rows <= each * (1_440 + 120)
    assert len(answer.context["cl"].result_list) == PAGE


def test_day_of_a_silent_workspace_reads_no_event_of_the_others(workspaces: list[Workspace]) -> None:
    silent = WorkspaceFactory()
    client = client_of(User.objects.create_superuser("root"))
    answer, rows = ask(client, LeadDistributionEvent, day="2026-01-02", workspace=silent.pk)
    assert answer.context["cl"].result_list == []
    assert rows <= PAGE
    plant(
        "UPDATE tracing_leaddistributionevent e SET created_at = a.started_at FROM tracing_attempt a"
        " WHERE a.id = e.attempt_id"
    )
    answer, _ = ask(client, LeadDistributionEvent, day="2026-01-02", workspace=workspaces[0].pk)
    assert len(answer.context["cl"].result_list) == PAGE


@pytest.mark.usefixtures("leads")
def test_retried_leads_are_found_beside_many_parked_for_the_same_reason() -> None:
    plant(
        "UPDATE routing_lead SET status = 'failed', skip_reason = 'no_campaign' WHERE status = 'distributed'"
    )
    plant(
        "UPDATE routing_lead SET skip_reason = 'no_campaign'"
        " WHERE id = (SELECT max(id) FROM routing_lead WHERE status = 'pending')"
    )
    analyze()
    client = client_of(User.objects.create_superuser("root"))
    answer, rows = ask(client, RetryingLead, skip_reason="no_campaign")
    assert len(answer.context["cl"].result_list) == 1
    assert rows <= PAGE


@pytest.mark.usefixtures("leads")
def test_old_day_of_leads_reads_that_day_and_finds_later_imports() -> None:
    client = client_of(User.objects.create_superuser("root"))
    imported = Lead.objects.latest("pk")
    day = imported.received_at.astimezone(UTC).date()
    client_rows = ask(client, Lead, day=day - timedelta(days=1))
    assert client_rows[1] <= 2 * 288 + 24 + PAGE
    answer, _ = ask(client, Lead, day=day)
    assert answer.context["cl"].result_list[0].pk == imported.pk


def test_time_bound_is_not_above_an_id_of_that_time() -> None:
    from uuid6 import uuid7

    before = datetime.now(UTC)
    made = uuid7()
    assert first_id_at(before - timedelta(milliseconds=1)).int <= made.int
    assert first_id_at(datetime.now(UTC) + timedelta(seconds=2)).int > made.int


@pytest.fixture
def bought(committed_db: None) -> Buyer:  # noqa: ARG001 - it is filled
    """Each of twenty buyers has a tenth of all assignments. Each lead is another person's."""
    campaign = CampaignFactory()
    enrollments = enroll(campaign, count=10)
    source = SourceFactory(workspace=campaign.workspace)
    fill_leads(
        source,
        count=8_000,
        email_hash="'mail ' || n",
        phone_hash="'phone ' || n",
        external_id="'form-' || n",
        status="'distributed'",
        next_attempt_at="NULL",
        finished_at="now()",
    )
    plant(FILL_BOUGHT)
    analyze()
    found: Buyer = enrollments[0].buyer
    return found


def test_buyers_returned_leads_are_found_among_all_its_leads(bought: Buyer) -> None:
    plant(
        "UPDATE distribution_assignment SET state = 'sold', returned_at = NULL"
        " WHERE id > (SELECT min(id) FROM distribution_assignment WHERE buyer_id = %s)",
        [bought.pk],
    )
    analyze()
    counter = RowCounter()
    with connection.execute_wrapper(counter):
        found = list_assignments(bought, limit=PAGE, before=None, period=Period(), state="returned")
    assert len(found) == 1
    assert counter.rows <= PAGE


def test_assignments_are_searched_by_index(bought: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(User.objects.create_superuser("root"))
    sale = Assignment.objects.select_related("lead").filter(buyer=bought).earliest("pk")
    others = Assignment.objects.filter(lead=sale.lead).count()
    monkeypatch.setattr("routing.admin.lead.hash_typed_email", lambda _: sale.lead.email_hash)
    for text in (str(sale.public_id), str(sale.lead.public_id), sale.lead.external_id, str(sale.lead.pk)):
        answer, rows = ask(client, Assignment, q=text)
        assert sale in answer.context["cl"].result_list, text
        assert rows <= 5 * (others + PAGE), text
    for text in (str(bought.public_id), bought.name):
        answer, rows = ask(client, Assignment, q=text)
        assert {each.buyer_id for each in answer.context["cl"].result_list} == {bought.pk}
        assert rows <= 10 * PAGE, text
    answer, rows = ask(client, Assignment, q="unknown@example.org")
    assert answer.context["cl"].result_list == []
    assert rows <= PAGE


def test_search_of_assignments_finds_no_foreign_lead(bought: Buyer) -> None:
    stranger = client_of(person("viewer", WorkspaceFactory()))
    sale = Assignment.objects.select_related("lead").filter(buyer=bought).earliest("pk")
    for text in (str(sale.public_id), str(sale.lead.public_id), str(sale.lead.pk), bought.name):
        answer, _ = ask(stranger, Assignment, q=text)
        assert answer.context["cl"].result_list == []


@pytest.mark.usefixtures("committed_db")
def test_missed_leads_of_a_rare_reason_are_searched_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    source, buyer = SourceFactory(), BuyerFactory()
    fill_leads(source, count=1)
    lead = Lead.objects.get()
    plant(FILL_ATTEMPTS, {"one": source.workspace_id, "other": source.workspace_id})
    plant("UPDATE tracing_attempt SET lead_id = -lead_id WHERE lead_id > 1")
    plant("UPDATE tracing_attempt SET lead_id = %s WHERE lead_id = 1", [lead.pk])
    plant(FILL_EVENTS)
    plant("UPDATE tracing_leaddistributionevent SET buyer_id = %s", [buyer.pk])
    plant(
        "UPDATE tracing_leaddistributionevent SET skip_reason = 'locked' WHERE lead_id = %s AND seq = 1",
        [lead.pk],
    )
    analyze()
    found, before, pages = [], NEWEST, 0
    while before is not None:
        counter = RowCounter()
        with connection.execute_wrapper(counter):
            missed, stop = list_missed(buyer, limit=50, before=before, only=MissedFilter("locked"))
        assert counter.rows <= 2 * MAX_MISSED + PAGE
        found, before, pages = [*found, *missed], stop, pages + 1  # type: ignore[assignment] # None ends the loop
    assert [each.lead_id for each in found] == [lead.public_id]
    assert pages == 1 + 3 * ROWS // MAX_MISSED
    assert monkeypatch


@pytest.mark.usefixtures("workspaces")
def test_slow_list_says_what_to_do(settings: Any) -> None:
    settings.DEBUG = False
    client = client_of(User.objects.create_superuser("root"))
    client.raise_request_exception = False
    with connection.execute_wrapper(slow_list):
        answer = client.get(page(Attempt, "changelist"), {"skip_reason": "internal_error"})
    assert answer.status_code == 503
    text = answer.content.decode()
    assert "This took too long" in text
    assert "choose a workspace or a day" in text
    assert f'href="{page(Attempt, "changelist")}"' in text


def slow_list(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
    if 'FROM "tracing_attempt"' in sql and "LIMIT 51" in sql:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 10")
            try:
                return execute("SELECT pg_sleep(5)", None, many, context)
            finally:
                cursor.execute("RESET statement_timeout")
    return execute(sql, params, many, context)
