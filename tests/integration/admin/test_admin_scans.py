"""Lists filtered by rare values: their reads are bounded, they say so, and they lead on to every row."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client

from distribution.explain.missed import MAX_SCANNED as MAX_MISSED
from distribution.explain.missed import list_missed
from distribution.models import Assignment, Buyer
from distribution.queries import Period, list_assignments
from routing.models import Lead, RetryingLead, Workspace
from tests.support.admin_pages import client_of, page, person
from tests.support.factories import BuyerFactory, CampaignFactory, SourceFactory, WorkspaceFactory, enroll
from tests.support.filling import FILL_BOUGHT, FILL_EVENTS, ROWS, fill_leads
from tests.support.planting import plant
from tests.support.row_counter import RowCounter
from tracing.admin.days import first_id_at
from tracing.admin.keyset import MAX_SCANNED
from tracing.models import Attempt, LeadDistributionEvent

PAGE = 50
START = datetime(2026, 1, 1, tzinfo=UTC)
# One attempt a minute, whose id contains its time. The very first attempt is the one that failed.
FILL_ATTEMPTS = f"""
INSERT INTO tracing_attempt (
    id, lead_id, number, trigger, source_workspace_id, destination_workspace_id, campaign_id, config_version, result,
    skip_reason, transient, started_at, finished_at, duration_ms, worker, facts
)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
    n, 1, 'ingest', 1, CASE WHEN n %% 2 = 0 THEN %(one)s ELSE %(other)s END, NULL, 1,
    CASE WHEN n = 1 THEN 'failed' ELSE 'unsold' END, CASE WHEN n = 1 THEN 'internal_error' ELSE '' END, false,
    at, at, 1, '', '{{}}'
FROM (SELECT n, '2026-01-01'::timestamptz + n * interval '1 minute' AS at FROM generate_series(1, {ROWS}) n) numbered
"""
HISTORY = (Attempt, LeadDistributionEvent)


@pytest.fixture
def workspaces(committed_db: None) -> list[Workspace]:  # noqa: ARG001 - it is filled
    one, other = WorkspaceFactory.create_batch(2)
    plant(FILL_ATTEMPTS, {"one": one.pk, "other": other.pk})
    plant(FILL_EVENTS)
    plant(
        "UPDATE tracing_leaddistributionevent SET skip_reason = 'locked', event = 'buyer_selected', created_at = %s"
        " WHERE lead_id = 1",
        [START],
    )
    analyze()
    return [one, other]


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def ask(client: Client, model: type[Model], **filters: object) -> tuple[Any, int]:
    """The list, and the number of rows that its statements read from growing tables."""
    counter = RowCounter()
    with connection.execute_wrapper(counter):
        answer = client.get(page(model, "changelist"), {name: str(value) for name, value in filters.items()})
    assert answer.status_code == 200
    return answer, counter.rows


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


LEADS = 40_000
RECEIVED = f"now() - ({LEADS} - n) * interval '5 minutes'"


@pytest.fixture
def leads(committed_db: None) -> Workspace:  # noqa: ARG001 - it is filled
    """288 a day. Some wait with a reason, a few are paused or ended rarely, the last was received long ago."""
    source = SourceFactory()
    fill_leads(
        source,
        count=LEADS,
        public_id=(
            f"(lpad(to_hex((extract(epoch FROM {RECEIVED}) * 1000)::bigint), 12, '0') || '70008000'"
            " || lpad(to_hex(n), 12, '0'))::uuid"
        ),
        received_at=f"CASE WHEN n = {LEADS} THEN now() - interval '100 days' ELSE {RECEIVED} END",
        attempts="1",
        skip_reason="CASE WHEN n % 4 > 0 THEN '' WHEN n = 4 THEN 'internal_error' ELSE 'all_buyers_capped' END",
        paused_at="CASE WHEN n = 8 THEN now() END",
        status="CASE WHEN n % 4 = 0 THEN 'pending' WHEN n = 5 THEN 'gated' ELSE 'distributed' END",
        next_attempt_at="CASE WHEN n % 4 = 0 THEN now() + n * interval '1 minute' END",
        finished_at="CASE WHEN n % 4 > 0 AND n <> 5 THEN now() END",
    )
    found: Workspace = source.workspace
    return found


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
    found, before, pages = [], 2**63 - 1, 0
    while before is not None:
        counter = RowCounter()
        with connection.execute_wrapper(counter):
            missed, stop = list_missed(buyer, limit=50, before=before, reason="locked")
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
