"""The admin's messages when the database fails in the middle of a person's work."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from distribution.models import Assignment, Enrollment
from routing.models import Lead
from tests.support.admin_pages import client_of, lead_title, person
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.schema import changed, without

pytestmark = pytest.mark.usefixtures("committed_db")

REFUSE_ONE = (
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'disk_full'; END$$;"
    "CREATE TRIGGER refuse BEFORE UPDATE ON routing_lead FOR EACH ROW WHEN (OLD.id = %s)"
    " EXECUTE FUNCTION refuse()"
)


@pytest.fixture
def enrollment() -> Enrollment:
    [place] = enroll(CampaignFactory(), count=1, credits_cents=10_000)
    return place


@pytest.fixture
def leads(enrollment: Enrollment) -> list[Lead]:
    source = SourceFactory(workspace=enrollment.campaign.workspace)
    return [LeadFactory(source=source) for _ in range(4)]


@pytest.fixture
def operator(leads: list[Lead]) -> Client:
    client = client_of(person("operator", leads[0].workspace))
    client.raise_request_exception = False
    return client


def texts(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_work_before_a_failure_is_reported(operator: Client, leads: list[Lead]) -> None:
    first, second, *_ = leads
    ids = ",".join(str(lead.pk) for lead in leads)
    url = f"{reverse('admin:routing_lead_act', args=['cancel'])}?ids={ids}"
    with changed(REFUSE_ONE % second.pk, back="DROP FUNCTION refuse CASCADE"):
        answer = operator.post(url, {"reason": "asked to"})
    assert answer.status_code == 302
    assert list(Lead.objects.filter(status="cancelled")) == [first]
    done, failed = texts(answer)
    assert done == "1 lead: canceled."
    assert failed.startswith(f"{lead_title(second)}: a database error occurred (OperationalError)")
    assert failed.endswith("2 more leads were not tried.")


def test_sale_by_hand_is_shown_without_its_trace(
    operator: Client, leads: list[Lead], enrollment: Enrollment
) -> None:
    url = reverse("admin:routing_lead_assign", args=[leads[0].pk])
    with without("tracing_attempt"):
        answer = operator.post(url, {"enrollment": enrollment.pk, "reason": "promised by phone"})
    assert (answer.status_code, texts(answer)) == (302, [f"The lead was sold to {enrollment.buyer}."])
    assert Assignment.objects.get().lead_id == leads[0].pk


def test_pages_report_a_database_outage(operator: Client, leads: list[Lead]) -> None:
    with changed(REFUSE_ONE % leads[0].pk, back="DROP FUNCTION refuse CASCADE"):
        answer = operator.post(
            reverse("admin:routing_lead_assign", args=[leads[0].pk]),
            {"enrollment": Enrollment.objects.get().pk, "reason": "promised by phone"},
        )
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert not Assignment.objects.exists()
