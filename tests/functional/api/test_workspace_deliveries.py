"""An agency's program reads deliveries, decides those that wait, and sends them again."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from distribution.api import deliverydocuments as documents
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Delivery, Endpoint, WorkspaceKey
from tests.support.delivering import deliver_due
from tests.support.delivery_breaches import new_try
from tests.support.described import assert_described
from tests.support.direct_posts import dead_url, enroll_with, money, post, posting_campaign, states
from tests.support.factories import (
    DeliveryFactory,
    EndpointFactory,
    LeadFactory,
    SubscriptionFactory,
    WorkspaceFactory,
    issue_workspace_key,
)
from tracing.models import AuditEntry

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/workspace/deliveries/"
REASON = {"reason": "found in the CRM"}


@pytest.fixture
def endpoint() -> Endpoint:
    made: Endpoint = EndpointFactory(name="CRM", buyer__name="Peachtree Roofing")
    return made


@pytest.fixture
def program(endpoint: Endpoint) -> Client:
    return client_of(endpoint.buyer.workspace)


def client_of(workspace: Any, **key: Any) -> Client:
    return Client(headers={"Authorization": f"Api-Key {issue_workspace_key(workspace, **key)}"})


def make(endpoint: Endpoint, state: str, **columns: Any) -> Delivery:
    """A delivery in that state, with the times that it needs."""
    now = timezone.now()
    times: dict[str, Any] = {"next_try_at": now if state == "pending" else None}
    if state == "posting":
        times["leased_until"] = now
    if state in ("accepted", "rejected", "cancelled"):
        times["ended_at"] = now
    row: Delivery = DeliveryFactory(endpoint=endpoint, state=state, **{**times, **columns})
    return row


def get(program: Client, path: str = "", **query: Any) -> Any:
    answer = program.get(f"{ROOT}{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(program: Client, **query: Any) -> list[str]:
    return [row["id"] for row in get(program, **query)["results"]]


def act(program: Client, delivery: Delivery, name: str, body: Any = None, *, key: str = "") -> Any:
    url = f"{ROOT}{delivery.message_id}/{name}/"
    named = {"headers": {"Idempotency-Key": key}} if key else {}
    return program.post(url, body, content_type="application/json", **named)


def problem(answer: Any, field: str) -> dict[str, str]:
    assert answer.status_code == 400, answer.content
    [found] = answer.json()["error"]["fields"][field]
    return dict(found)


def conflict(answer: Any) -> tuple[str, str]:
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "conflict"), answer.content
    return error["state"], error["message"]


class TestReads:
    def test_list_has_no_bodies_and_pages(self, program: Client, endpoint: Endpoint) -> None:
        rows = [make(endpoint, state) for state in ("accepted", "unknown", "rejected")]
        new_try(delivery=rows[2], request_body="grace@example.com")

        page = get(program, limit=2)

        assert [row["id"] for row in page["results"]] == [str(row.message_id) for row in rows[:0:-1]]
        assert ids(program, limit=2, cursor=page["next_cursor"]) == [str(rows[0].message_id)]
        assert "grace@example.com" not in str(page)
        for row in page["results"]:
            assert_described(row, documents.DeliveryDocument())
        assert page["results"][0]["endpoint"]["buyer"]["name"] == "Peachtree Roofing"

    def test_filters(self, program: Client, endpoint: Endpoint) -> None:
        waits, due, ended = (make(endpoint, state) for state in ("unknown", "pending", "accepted"))
        other = make(EndpointFactory(buyer=endpoint.buyer, name="Mail"), "unknown", lead=ended.lead)

        assert ids(program, state="unknown") == [str(other.message_id), str(waits.message_id)]
        assert ids(program, state="pending") == [str(due.message_id)]
        assert ids(program, state="posting") == []
        assert ids(program, lead=ended.lead.public_id) == [str(other.message_id), str(ended.message_id)]
        assert ids(program, lead=ended.lead.public_id, state="unknown") == [str(other.message_id)]
        assert ids(program, endpoint=endpoint.public_id) == [
            str(row.message_id) for row in (ended, due, waits)
        ]
        page = get(program, endpoint=endpoint.public_id, limit=2)
        rest = ids(program, endpoint=endpoint.public_id, limit=2, cursor=page["next_cursor"])
        assert rest == [str(waits.message_id)]

    def test_events_of_the_workspace_itself_are_listed(self, program: Client, endpoint: Endpoint) -> None:
        subscription = SubscriptionFactory(workspace=endpoint.buyer.workspace, events=["lead.sold"])
        row = make(subscription, "unknown", lead=LeadFactory(source__workspace=endpoint.buyer.workspace))

        [shown] = get(program)["results"]

        assert (shown["id"], shown["endpoint"]["id"]) == (
            str(row.message_id),
            str(subscription.public_id),
        )
        assert (shown["endpoint"]["buyer"], shown["endpoint"]["source"]) == (None, None)

    def test_wrong_filters_are_named(self, program: Client) -> None:
        for name, value in (("state", "accepted"), ("lead", "7"), ("endpoint", "crm"), ("cursor", "x")):
            assert problem(program.get(ROOT, {name: value}), name)["code"] == "invalid"

    def test_foreign_filters_are_not_found(self, program: Client) -> None:
        foreign = make(EndpointFactory(), "unknown")

        assert program.get(ROOT, {"lead": foreign.lead.public_id}).status_code == 404
        assert program.get(ROOT, {"endpoint": foreign.endpoint.public_id}).status_code == 404
        assert ids(program) == []

    def test_one_has_every_request_and_no_secret(self) -> None:
        """Sent by the deliverer to a system that refuses connections: what is stored is what is shown."""
        campaign = posting_campaign()
        enroll_with(campaign, priority=1, url=dead_url(), headers={"X-Api-Key": "hush-hush"})
        post(campaign)
        deliver_due()
        row = Delivery.objects.get()
        new_try(delivery=row, number=9, answer_body="late")

        shown = get(client_of(campaign.workspace), f"{row.message_id}/")

        assert [each["number"] for each in shown["requests"]] == [9, 1]
        assert shown["requests"][1]["outcome"] == "not_sent"
        assert "hush-hush" not in str(shown)
        assert "webhook-id" in shown["requests"][1]["request_head"].lower()
        assert_described(shown, documents.DeliveryWithRequestsDocument())


class TestResolve:
    def test_end_names_the_key(self, program: Client, endpoint: Endpoint) -> None:
        row = make(endpoint, "unknown")

        answer = act(program, row, "resolve", {"state": "accepted", **REASON})

        actor = f"workspace {WorkspaceKey.objects.get().actor}"
        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert (body["state"], body["end_reason"], body["ended_by"]) == (
            "accepted",
            "found in the CRM",
            actor,
        )
        assert_described(body, documents.DeliveryDocument())
        entry = AuditEntry.objects.get(action="accepted by hand")
        assert (entry.actor, entry.reason, entry.workspace_id) == (
            actor,
            "found in the CRM",
            endpoint.workspace_id,
        )

    @pytest.mark.parametrize(
        ("decided", "sale", "balance"), [("accepted", "sold", 7_500), ("rejected", "rejected", 10_000)]
    )
    def test_direct_post_is_settled(self, decided: str, sale: str, balance: int) -> None:
        campaign = posting_campaign()
        enrollment = enroll_with(campaign, priority=1, url=dead_url())
        lead = post(campaign)
        row = Delivery.objects.get()
        Delivery.objects.filter(pk=row.pk).update(state="unknown", next_try_at=None)

        answer = act(client_of(campaign.workspace), row, "resolve", {"state": decided, **REASON})

        assert (answer.status_code, answer.json()["state"]) == (200, decided)
        assert states(lead) == [(enrollment.buyer_id, sale)]
        assert money(enrollment) == (balance, 0)

    @pytest.mark.parametrize("state", ["accepted", "rejected", "posting"])
    def test_ended_or_running_delivery_is_a_conflict(
        self, state: str, program: Client, endpoint: Endpoint
    ) -> None:
        row = make(endpoint, state)

        now, message = conflict(act(program, row, "resolve", {"state": "rejected", **REASON}))

        assert now == state
        assert message.startswith("Nothing was changed: it ")
        row.refresh_from_db()
        assert (row.state, AuditEntry.objects.filter(object_id=str(row.pk)).count()) == (state, 0)


class TestResend:
    def test_waiting_one_is_sent_with_its_id(self, program: Client, endpoint: Endpoint) -> None:
        row = make(endpoint, "unknown")

        answer = act(program, row, "resend", REASON)

        assert answer.status_code == 202, answer.content
        assert (answer.json()["id"], answer.json()["state"]) == (str(row.message_id), "pending")
        assert Delivery.objects.count() == 1
        assert AuditEntry.objects.get(action="sent again").actor.startswith("workspace key ")

    def test_ended_one_is_a_new_message_once_for_each_idempotency_key(
        self, program: Client, endpoint: Endpoint
    ) -> None:
        row = make(endpoint, "rejected")

        first = act(program, row, "resend", REASON, key="again-1")
        repeat = act(program, row, "resend", REASON, key="again-1")
        other = act(program, row, "resend", {"reason": "other"}, key="again-1")

        assert [each.status_code for each in (first, repeat, other)] == [202, 202, 422]
        assert first.json() == repeat.json()
        assert repeat["Idempotency-Replayed"] == "true"
        assert first.json()["id"] != str(row.message_id)
        assert Delivery.objects.count() == 2
        assert_described(first.json(), documents.DeliveryDocument())

    def test_disabled_endpoint_is_a_conflict_that_says_what_to_do(
        self, program: Client, endpoint: Endpoint
    ) -> None:
        row = make(endpoint, "unknown")
        Endpoint.objects.update(disabled_at=timezone.now() - timedelta(hours=1), disabled_reason="by_hand")

        now, message = conflict(act(program, row, "resend", REASON))

        assert (now, message) == (
            "unknown",
            "Nothing was changed: the endpoint CRM is disabled; press Enable on its page first.",
        )

    def test_returned_lead_is_not_sent_again(self) -> None:
        campaign = posting_campaign(sells_on="decision")
        enroll_with(campaign, priority=1, url=dead_url())
        lead = LeadFactory(source__workspace=campaign.workspace)
        distribute_lead(lead.pk)
        row = Delivery.objects.get()
        sale = Assignment.objects.get()
        program = client_of(campaign.workspace)
        url = f"/api/v1/workspace/assignments/{sale.public_id}/returns/"
        assert program.post(url, {"reason": "agreed"}, content_type="application/json").status_code == 201

        _, message = conflict(act(program, row, "resend", REASON))

        assert "the buyer returned this lead" in message


@pytest.mark.parametrize(
    ("name", "body", "field", "code"),
    [
        ("resolve", {"state": "accepted"}, "reason", "required"),
        ("resolve", REASON, "state", "invalid"),
        ("resolve", {"state": "unknown", **REASON}, "state", "invalid"),
        ("resolve", {"state": ["accepted"], **REASON}, "state", "invalid"),
        ("resolve", {"state": "accepted", "note": "x", **REASON}, "note", "unknown_field"),
        ("resend", {"reason": " "}, "reason", "required"),
        ("resend", {"reason": "x" * 201}, "reason", "too_long"),
    ],
)
def test_wrong_body_is_named_and_changes_nothing(
    name: str, body: Any, field: str, code: str, program: Client, endpoint: Endpoint
) -> None:
    row = make(endpoint, "unknown")

    assert problem(act(program, row, name, body), field)["code"] == code
    row.refresh_from_db()
    assert row.state == "unknown"


def test_program_that_reads_cannot_decide(endpoint: Endpoint) -> None:
    row = make(endpoint, "unknown")
    reader = client_of(endpoint.buyer.workspace, scopes=["deliveries:read", "returns:decide"])

    assert act(reader, row, "resolve", {"state": "accepted", **REASON}).status_code == 403
    assert act(reader, row, "resend", REASON).status_code == 403


def test_delivery_of_another_workspace_is_not_found(endpoint: Endpoint) -> None:
    row, stranger = make(endpoint, "unknown"), client_of(WorkspaceFactory())

    assert stranger.get(f"{ROOT}{row.message_id}/").status_code == 404
    assert act(stranger, row, "resolve", {"state": "accepted", **REASON}).status_code == 404
    assert act(stranger, row, "resend", REASON).status_code == 404
