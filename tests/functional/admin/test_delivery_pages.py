"""Deliveries on the pages of leads, buyers and endpoints, and the page "Deliveries by endpoint"."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from distribution.admin.delivery_actions import act_url
from distribution.models import Buyer, Delivery, DeliveryTry, Endpoint
from routing.models import Lead
from tests.support.admin_pages import client_of, page, person
from tests.support.delivery_breaches import new_try
from tests.support.factories import BuyerFactory, DeliveryFactory, EndpointFactory, LeadFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 8, 3, 14, 30, tzinfo=UTC)
FIGURES = "admin:distribution_delivery_figures"


@pytest.fixture
def endpoint() -> Endpoint:
    made: Endpoint = EndpointFactory(name="CRM", buyer__name="Peachtree Roofing")
    return made


@pytest.fixture
def viewer(endpoint: Endpoint) -> Client:
    return client_of(person("viewer", endpoint.buyer.workspace))


def make_try(endpoint: Endpoint, outcome: str, **columns: Any) -> DeliveryTry:
    """A finished try of a delivery of its own."""
    test = columns.pop("is_test", False)
    started_at = columns.pop("started_at", NOW - timedelta(minutes=1))
    values = {"started_at": started_at, "finished_at": started_at, "outcome": outcome, "duration_ms": 100}
    return new_try(delivery=DeliveryFactory(endpoint=endpoint, is_test=test), **{**values, **columns})


def open_figures(client: Client, **asked: object) -> Any:
    with time_machine.travel(NOW, tick=False):
        return client.get(reverse(FIGURES), {name: str(value) for name, value in asked.items()})


class TestFigures:
    def test_tries_are_counted_by_endpoint_and_by_hour(self, viewer: Client, endpoint: Endpoint) -> None:
        other = EndpointFactory(name="Inbox", buyer=endpoint.buyer)
        for outcome, ms in (("accepted", 100), ("accepted", 300), ("rejected", 200), ("not_sent", 5_000)):
            make_try(endpoint, outcome, duration_ms=ms)
        make_try(other, "unknown", started_at=NOW - timedelta(hours=2), duration_ms=900)
        make_try(other, "worker_lost", duration_ms=None)

        context = open_figures(viewer).context

        rows = {each["name"]: each for each in context["endpoints"]}
        assert list(rows) == ["CRM", "Inbox"]
        assert tuple(rows["CRM"]["figures"]) == (2, 1, 0, 1, 200, 5_000)
        assert (rows["CRM"]["share"], rows["CRM"]["half"], rows["CRM"]["most"]) == (50, "200 ms", "5.0 s")
        assert tuple(rows["Inbox"]["figures"]) == (0, 0, 2, 0, 900, 900)
        outcomes, latency = (context["data"][name] for name in ("outcomes", "latency"))
        assert (outcomes["labels"], len(outcomes["columns"][0])) == (
            ("Accepted", "Rejected", "Unknown", "Not sent"),
            24,
        )
        assert [column[-1] for column in outcomes["columns"]] == [
            int(NOW.replace(minute=0).timestamp()),
            *(2, 1, 1, 1),
        ]
        assert [column[-3] for column in latency["columns"]][1:] == [0.9, 0.9]
        [_, table] = context["charts"]
        assert table.rows[0] == ("2026-08-03 12:00", ["900 ms", "900 ms"])

    def test_tests_unfinished_and_old_tries_are_left_out(self, viewer: Client, endpoint: Endpoint) -> None:
        make_try(endpoint, "accepted", is_test=True)
        make_try(endpoint, "accepted", started_at=NOW - timedelta(hours=25))
        make_try(endpoint, "", finished_at=None, duration_ms=None)

        shown = open_figures(viewer)

        assert shown.context["endpoints"] == []
        assert "No delivery was tried in the last 24 hours." in shown.content.decode()
        [week] = open_figures(viewer, window="7d").context["endpoints"]
        assert week["figures"].total == 1

    def test_one_endpoint_is_shown_alone(self, viewer: Client, endpoint: Endpoint) -> None:
        make_try(endpoint, "accepted")
        make_try(EndpointFactory(buyer=endpoint.buyer), "accepted")

        shown = open_figures(viewer, endpoint=endpoint.pk)

        assert [each["name"] for each in shown.context["endpoints"]] == ["CRM"]
        assert "Only the endpoint CRM of Peachtree Roofing" in shown.content.decode()

    def test_foreign_rows_are_neither_shown_nor_found(self, viewer: Client, endpoint: Endpoint) -> None:
        make_try(endpoint, "accepted")
        foreign = EndpointFactory(name="Foreign", failing_since=NOW)
        make_try(foreign, "accepted")
        DeliveryFactory(endpoint=foreign, state="unknown", next_try_at=None)

        shown = open_figures(viewer)

        assert "Foreign" not in shown.content.decode()
        assert [each["name"] for each in shown.context["endpoints"]] == ["CRM"]
        assert (shown.context["waiting"], shown.context["failing"]) == ([], [])
        for asked in ({"endpoint": foreign.pk}, {"workspace": foreign.buyer.workspace_id}, {"endpoint": "x"}):
            assert open_figures(viewer, **asked).status_code == 404
        assert open_figures(viewer, workspace=endpoint.buyer.workspace_id).status_code == 200

    def test_too_many_tries_are_cut_and_the_page_says_since_when(
        self, viewer: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for minutes in range(1, 5):
            make_try(endpoint, "accepted", started_at=NOW - timedelta(minutes=minutes))
        monkeypatch.setattr("distribution.admin.delivery_figures.MAX_TRIES", 2)

        shown = open_figures(viewer)

        assert "Only those since 2026-08-03 14:28:00 UTC are counted." in shown.content.decode()
        assert shown.context["endpoints"][0]["figures"].total == 2

    def test_unknown_ones_wait_with_both_choices(self, endpoint: Endpoint) -> None:
        operator = client_of(person("operator", endpoint.buyer.workspace))
        row = DeliveryFactory(endpoint=endpoint, state="unknown", next_try_at=None, tries=1)
        new_try(delivery=row, started_at=NOW - timedelta(minutes=5))
        DeliveryFactory(endpoint=endpoint)

        shown = open_figures(operator)

        [waiting] = shown.context["waiting"]
        assert (waiting["title"], waiting["waits"], shown.context["waiting_total"]) == (
            str(endpoint),
            "5 min",
            "1 delivery",
        )
        assert [url for _, url in waiting["buttons"]] == [
            act_url(name, row.pk) for name in ("accepted", "rejected", "resend")
        ]
        text = shown.content.decode()
        assert "Decide: accepted…" in text
        assert "Decide: rejected…" in text

    def test_viewer_has_no_choices(self, viewer: Client, endpoint: Endpoint) -> None:
        DeliveryFactory(endpoint=endpoint, state="unknown", next_try_at=None)

        [waiting] = open_figures(viewer).context["waiting"]

        assert waiting["buttons"] == []

    def test_failing_endpoints_are_listed_longest_first(self, viewer: Client, endpoint: Endpoint) -> None:
        hour = timedelta(hours=1)
        common = {"buyer": endpoint.buyer}
        EndpointFactory(name="hours", failing_since=NOW - hour, last_success_at=NOW - 2 * hour, **common)
        EndpointFactory(
            name="gone",
            failing_since=NOW - 3 * hour,
            disabled_at=NOW - hour,
            disabled_reason="gone_410",
            **common,
        )
        EndpointFactory(
            name="by hand",
            failing_since=NOW - hour,
            disabled_at=NOW,
            disabled_reason="by_hand",
            **common,
        )
        EndpointFactory(name="not active", failing_since=NOW, active=False, **common)

        failing = open_figures(viewer).context["failing"]

        assert [(each["name"], each["since"], each["last_success"], each["state"]) for each in failing] == [
            ("gone", "3 h", "never", "disabled: it answered 410 Gone"),
            ("hours", "1 h", "2026-08-03 12:30:00 UTC", "live, and tried again"),
        ]

    def test_empty_page_says_so(self, viewer: Client) -> None:
        text = open_figures(viewer).content.decode()

        assert "No delivery waits for a decision." in text
        assert "No endpoint is failing." in text
        assert "health-data" not in text

    def test_statements_do_not_grow_with_rows(self, viewer: Client, endpoint: Endpoint) -> None:
        def fill() -> None:
            other = EndpointFactory(buyer=endpoint.buyer, failing_since=NOW)
            make_try(other, "accepted")
            DeliveryFactory(endpoint=other, state="unknown", next_try_at=None)

        fill()
        open_figures(viewer)
        with CaptureQueriesContext(connection) as few:
            open_figures(viewer)
        for _ in range(3):
            fill()
        with CaptureQueriesContext(connection) as many:
            open_figures(viewer)

        assert len(many) == len(few)


class TestPageOfALead:
    def test_it_shows_every_request_and_answer(self, viewer: Client, endpoint: Endpoint) -> None:
        lead = sold_lead(endpoint)
        row = DeliveryFactory(endpoint=endpoint, lead=lead, state="rejected", next_try_at=None, ended_at=NOW)
        texts = {"request_head": "POST /leads", "request_body": '{"zip": "30312"}', "answer_body": "no <b>"}
        for number, outcome in ((1, "unknown"), (2, "rejected")):
            new_try(delivery=row, number=number, outcome=outcome, finished_at=timezone.now(), **texts)

        shown = viewer.get(page(Lead, "change", lead.pk)).content.decode()

        section = shown.partition('data-testid="lead-deliveries"')[2]
        assert page(Delivery, "change", row.pk) in section
        assert section.index("Try 2,") < section.index("Try 1,")
        assert section.count("POST /leads") == 2
        assert section.count("{&quot;zip&quot;: &quot;30312&quot;}") == 2
        assert "no &lt;b&gt;" in section

    def test_lead_of_a_buyer_without_endpoint_says_so(self, viewer: Client, endpoint: Endpoint) -> None:
        shown = viewer.get(page(Lead, "change", sold_lead(endpoint).pk)).content.decode()

        assert "Nothing is sent to the buyer: it has no endpoint for this campaign" in shown

    def test_unsold_lead_has_no_deliveries(self, viewer: Client, endpoint: Endpoint) -> None:
        lead = LeadFactory(source__workspace=endpoint.buyer.workspace)

        assert "lead-deliveries" not in viewer.get(page(Lead, "change", lead.pk)).content.decode()


def sold_lead(endpoint: Endpoint) -> Lead:
    lead: Lead = LeadFactory(
        source__workspace=endpoint.buyer.workspace,
        status="distributed",
        next_attempt_at=None,
        finished_at=timezone.now(),
    )
    return lead


class TestList:
    def find(self, client: Client, text: object) -> list[Delivery]:
        answer = client.get(page(Delivery, "changelist"), {"q": str(text)})
        return list(answer.context["cl"].result_list)

    def test_deliveries_are_found_by_lead_endpoint_buyer_and_message(
        self, viewer: Client, endpoint: Endpoint
    ) -> None:
        row = DeliveryFactory(endpoint=endpoint)
        other = DeliveryFactory(
            endpoint=EndpointFactory(
                name="Inbox", buyer=BuyerFactory(workspace=endpoint.buyer.workspace, name="Lone Star")
            )
        )
        row.refresh_from_db()

        for text in (
            *(row.message_id, row.lead.public_id, row.lead_id, endpoint.public_id, endpoint.buyer.public_id),
            *("crm", "peachtree"),
        ):
            assert self.find(viewer, text) == [row], text
        assert self.find(viewer, "") == [other, row]
        assert self.find(viewer, "nobody") == []

    @pytest.mark.parametrize("model", [Buyer, Endpoint])
    def test_buyer_and_endpoint_link_to_their_deliveries(
        self, viewer: Client, endpoint: Endpoint, model: type[Any]
    ) -> None:
        row = endpoint if model is Endpoint else endpoint.buyer
        own = DeliveryFactory(endpoint=endpoint)
        DeliveryFactory(endpoint__buyer__workspace=endpoint.buyer.workspace)

        link = viewer.get(page(model, "change", row.pk)).context["page_links"][0]

        assert link["title"] == "Deliveries"
        assert list(viewer.get(link["url"]).context["cl"].result_list) == [own]

    def test_old_bodies_are_said_to_be_removed(self, viewer: Client, endpoint: Endpoint) -> None:
        row = DeliveryFactory(endpoint=endpoint)
        new_try(delivery=row, started_at=timezone.now() - timedelta(days=31), request_head="POST /leads")

        text = viewer.get(page(Delivery, "change", row.pk)).content.decode()

        assert "The bodies were removed after 30 days." in text
        assert "POST /leads" in text
