"""The API conforms to its OpenAPI schema for any input."""

from typing import Any

import pytest
import schemathesis
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from distribution.attempts.distribute import distribute_lead
from distribution.models import (
    Assignment,
    Buyer,
    Campaign,
    CardPayment,
    ChangeProposal,
    Delivery,
    Endpoint,
    Offer,
    ReturnFile,
    ReturnRequest,
)
from distribution.returns.evidence import read_file
from distribution.returns.policy import Ask
from distribution.returns.request import request_return
from routing.models import Lead, Source, Workspace
from tests.support.admin_pages import ask_for_a_new_name
from tests.support.delivery_breaches import new_try
from tests.support.factories import (
    CampaignFactory,
    CardPaymentFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    ReturnPolicyFactory,
    enroll,
    give_credits,
    issue_buyer_key,
    issue_key,
    issue_workspace_key,
)

# The handler closes connections that are inside a test's transaction, so the rows are committed.
pytestmark = pytest.mark.usefixtures("committed_db")

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
]


@pytest.fixture
def sold(committed_db: None, monkeypatch: pytest.MonkeyPatch) -> Lead:  # noqa: ARG001
    """A lead that one buyer bought and another missed for lack of credits. The tests use the keys of these tenants."""
    for kind in ("buyer", "workspace", "whatif", "endpoint_test"):  # otherwise 429 would end the walk
        monkeypatch.setitem(django_settings.LEADSWITCH_RATE_LIMITS, kind, (60_000, 5_000))
    # Without an address for streams, their route answers 503.
    monkeypatch.setattr(django_settings, "LEADSWITCH_STREAMS_URL", "https://streams.example.com")
    campaign = CampaignFactory()
    rich, _ = enroll(campaign, count=2)
    give_credits(rich.buyer, amount_cents=10_000)
    lead: Lead = LeadFactory(source__workspace=campaign.workspace)
    assert distribute_lead(lead.pk).result == "success"
    ReturnPolicyFactory(workspace=campaign.workspace)
    ask_for_a_return(Assignment.objects.get())
    new_try(delivery=DeliveryFactory(endpoint=EndpointFactory(buyer=rich.buyer), lead=lead))
    ask_for_a_new_name(rich.buyer)
    offer_a_lead(rich.buyer)
    CardPaymentFactory(card__buyer=rich.buyer)
    return lead


def offer_a_lead(buyer: Buyer) -> None:
    """Open for an hour, in a campaign of another vertical."""
    columns = {
        "mode": "ping_post",
        "fallback_mode": "priority",
        "offer_fields": ["zip3"],
        "offer_seconds": 3_600,
    }
    campaign = CampaignFactory(workspace=buyer.workspace, vertical="gutters", **columns)
    EnrollmentFactory(campaign=campaign, buyer=buyer)
    offered = LeadFactory(source__workspace=buyer.workspace, vertical="gutters")
    assert distribute_lead(offered.pk).result == "offered"


def ask_for_a_return(sold: Assignment) -> None:
    ask = Ask("bad_phone", "not in service", files=(read_file("call.txt", b"not in service"),))
    request_return(sold.public_id, ask, buyer=sold.buyer, actor="key", at=timezone.now())


schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())


def test_whole_api_is_walked() -> None:
    """An operation for which this test has no key would be left out."""
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) >= 18
    assert {name for each in operations for entry in each.definition.raw["security"] for name in entry} == {
        "SourceKey",
        "BuyerKey",
        "WorkspaceKey",
    }


@schema.parametrize()
@settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    # One database for all examples of an operation, so an example may meet what an earlier one stored.
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)
def test_api_conforms_to_its_schema(case: Case, sold: Lead) -> None:
    case.call_and_validate(headers=key_for(case, sold), checks=CHECKS)


@schema.parametrize()
@settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_response_matches_the_schema(case: Case, sold: Lead) -> None:
    if "public_id" not in case.path_parameters:
        return
    shown: Assignment | ReturnRequest | Lead = sold
    if "assignments" in case.operation.path:
        shown = Assignment.objects.get()
    elif "returns" in case.operation.path:
        shown = ReturnRequest.objects.earliest("pk")
    case.path_parameters["public_id"] = str(shown.public_id)
    if own := own_rows(case.operation.path):
        case.path_parameters["public_id"] = str(own.public_id)
    if "deliveries" in case.operation.path:
        case.path_parameters["public_id"] = str(Delivery.objects.earliest("pk").message_id)
    if "file_id" in case.path_parameters:
        case.path_parameters["file_id"] = str(ReturnFile.objects.earliest("pk").public_id)
    case.call_and_validate(headers=key_for(case, sold), checks=CHECKS)


def own_rows(path: str) -> Any:
    """What a buyer changes: an enrollment has the id of its campaign."""
    for name, model in (
        ("enrollments", Campaign),
        ("buyer/endpoints", Endpoint),
        ("changes", ChangeProposal),
        ("offers", Offer),
        ("topups", CardPayment),
    ):
        if name in path:
            return model.objects.earliest("pk")
    return None


KEYS: dict[tuple[str, int], str] = {}
ISSUE: dict[str, Any] = {
    "SourceKey": issue_key,
    "BuyerKey": issue_buyer_key,
    "WorkspaceKey": issue_workspace_key,
}


def key_for(case: Case, sold: Lead) -> dict[str, str]:
    """A key of the kind that the operation needs: of the buyer that bought, or for `missed` of the other one."""
    [kind] = [name for entry in case.operation.definition.raw["security"] for name in entry]
    if kind == "SourceKey":
        owner: Source | Buyer | Workspace = sold.source
    elif kind == "WorkspaceKey":
        owner = sold.workspace
    else:
        buyers = Buyer.objects.order_by("-wallet__balance_cents")
        owner = buyers[1] if "missed" in case.operation.path else buyers[0]
    if (kind, owner.pk) not in KEYS:
        KEYS[kind, owner.pk] = ISSUE[kind](owner)
    return {"Authorization": f"Api-Key {KEYS[kind, owner.pk]}"}
