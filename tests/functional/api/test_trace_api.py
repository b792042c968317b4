"""An agency's program reads why a lead was sold where it was."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from distribution.api import documents
from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.explain.types import to_json
from distribution.models import Enrollment
from routing.models import Lead
from tests.support.described import assert_described
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    LeadFactory,
    SourceFactory,
    enroll,
    issue_key,
    issue_tracing_key,
    person,
)
from tests.support.planting import plant

pytestmark = pytest.mark.django_db
NOT_FOUND = {"error": {"code": "not_found", "message": "Not found, or it belongs to another account."}}


@pytest.fixture
def lead() -> Lead:
    """Tried once: one of three buyers bought it and two were outranked."""
    campaign = CampaignFactory()
    enroll(campaign, count=3, credits_cents=10_000)
    lead = LeadFactory(source__workspace=campaign.workspace)
    distribute_lead(lead.pk)
    lead.refresh_from_db()
    return lead


def get(lead_id: object, *, key: str, **parameters: object) -> Any:
    client = Client(headers={"Authorization": f"Api-Key {key}"})
    return client.get(f"/api/v1/leads/{lead_id}/trace/", parameters)


def test_trace_equals_the_command_output(lead: Lead) -> None:
    response = get(lead.public_id, key=issue_tracing_key(lead.source))

    assert response.status_code == 200, response.content
    assert response.json() == to_json(explain(lead))
    assert [row["outcome"] for row in response.json()["attempts"][0]["buyers"]] == [
        *("skipped", "skipped"),
        "selected",
    ]
    assert response.json()["answer"] is None


def test_trace_can_be_limited_to_one_buyer(lead: Lead) -> None:
    buyer = Enrollment.objects.select_related("buyer").get(last_assigned_at__isnull=False).buyer

    document = get(lead.public_id, key=issue_tracing_key(lead.source), buyer=buyer.public_id).json()

    assert document["answer"]["buyer"] == {"id": str(buyer.public_id), "name": buyer.name}
    assert document["answer"]["got_it"] is True
    assert [row["buyer"]["name"] for row in document["attempts"][0]["buyers"]] == [buyer.name]


def test_another_source_of_the_workspace_gets_404(lead: Lead) -> None:
    sibling = SourceFactory(workspace=lead.workspace)
    answer = get(lead.public_id, key=issue_tracing_key(sibling))

    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_first_lead_of_another_source_is_not_named() -> None:
    """The duplicate's own source and its operators read it. The key that sent the copy does not."""
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=10_000)
    earlier = timezone.now() - timedelta(minutes=5)
    first = LeadFactory(
        source__workspace=campaign.workspace, received_at=earlier, **person("ann@example.com")
    )
    own = LeadFactory(source=first.source, **person("ann@example.com"))
    copy = LeadFactory(source__workspace=campaign.workspace, **person("ann@example.com"))
    for lead in (first, own, copy):
        distribute_lead(lead.pk)

    seen = {
        lead.pk: get(lead.public_id, key=issue_tracing_key(lead.source)).content.decode()
        for lead in (own, copy)
    }

    assert f"The earlier lead is lead {first.public_id}." in seen[own.pk]
    assert "The earlier lead is a lead of another source." in seen[copy.pk]
    assert str(first.public_id) not in seen[copy.pk]


def test_key_without_the_scope_is_forbidden(lead: Lead) -> None:
    """A key has the scope only if an operator grants it: the trace shows buyers, their prices and balances."""
    answer = get(lead.public_id, key=issue_key(lead.source))

    assert answer.status_code == 403
    assert answer.json()["error"] == {
        "code": "forbidden",
        "message": "This key does not have the scope `trace`. An operator can grant it.",
    }


def test_foreign_lead_and_an_unknown_one_look_alike(lead: Lead) -> None:
    """Every query is scoped to the caller."""
    foreign = get(lead.public_id, key=issue_tracing_key(SourceFactory()))
    unknown = get(uuid4(), key=issue_tracing_key(lead.source))

    assert (foreign.status_code, foreign.json()) == (404, NOT_FOUND)
    assert (unknown.status_code, unknown.json()) == (404, NOT_FOUND)


def test_sending_workspace_does_not_see_the_destinations_buyers(lead: Lead) -> None:
    sender = SourceFactory()
    plant(
        "UPDATE routing_lead SET source_id = %s, source_workspace_id = %s WHERE id = %s",
        [sender.pk, sender.workspace_id, lead.pk],
    )

    assert get(lead.public_id, key=issue_tracing_key(sender)).status_code == 404


def test_foreign_buyer_and_an_unknown_one_look_alike(lead: Lead) -> None:
    key = issue_tracing_key(lead.source)
    foreign = get(lead.public_id, key=key, buyer=BuyerFactory().public_id)
    unknown = get(lead.public_id, key=key, buyer=uuid4())

    assert (foreign.status_code, foreign.json()) == (404, NOT_FOUND)
    assert (unknown.status_code, unknown.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("buyer", "Acme"),
        ("buyer", ""),
        ("latest", "0"),
        ("latest", "101"),
        ("latest", "-1"),
        ("latest", "many"),
        ("latest", "9" * 5000),
    ],
)
def test_wrong_parameter_is_named(lead: Lead, parameter: str, text: str) -> None:
    response = get(lead.public_id, key=issue_tracing_key(lead.source), **{parameter: text})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "validation_failed"
    assert list(response.json()["error"]["fields"]) == [parameter]


def test_missing_key_is_refused(lead: Lead) -> None:
    response = Client().get(f"/api/v1/leads/{lead.public_id}/trace/")

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_trace_is_read_only(lead: Lead, method: str) -> None:
    client = Client(headers={"Authorization": f"Api-Key {issue_key(lead.source)}"})

    assert getattr(client, method)(f"/api/v1/leads/{lead.public_id}/trace/").status_code == 405


def test_path_that_names_no_lead_is_404_in_json() -> None:
    response = get("nonsense", key="x")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_documents_describe_exactly_the_responses(lead: Lead) -> None:
    buyer = Enrollment.objects.select_related("buyer").get(last_assigned_at__isnull=False).buyer
    poor = LeadFactory(source__workspace=lead.workspace, zip="10001")
    Enrollment.objects.update(cap_day=0)
    distribute_lead(poor.pk)

    answers = [
        get(each.public_id, key=issue_tracing_key(each.source), **parameters).json()
        for each in (lead, poor)
        for parameters in ({}, {"buyer": buyer.public_id})
    ]

    for answer in [*answers, documents.EXAMPLE.value]:
        assert_described(answer, documents.TraceAnswer())
