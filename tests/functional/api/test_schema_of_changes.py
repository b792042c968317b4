"""What buyers and sources send conforms to the schema, with rows that exist and the present version.

Without those, nearly every generated change would end at 404 or 412, before its body is read.
"""

from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, settings
from schemathesis import Case

from distribution.models import Buyer, Campaign, Enrollment
from routing.models import Lead
from tests.functional.api.test_schema import CHECKS, key_for, own_rows, schema, sold
from tests.support.factories import issue_buyer_key

__all__ = ["sold"]
pytestmark = pytest.mark.usefixtures("committed_db")

WRITES = ["POST", "PATCH", "DELETE"]
changes = schema.include(path_regex="^/api/v1/(buyer|pings)/", method=WRITES)
NEW = {
    "/api/v1/buyer/area/",
    "/api/v1/buyer/pause/",
    "/api/v1/buyer/wallet/",
    "/api/v1/buyer/enrollments/{public_id}/",
    "/api/v1/buyer/offers/{public_id}/claim/",
    "/api/v1/buyer/whatif/",
    "/api/v1/buyer/topups/",
    "/api/v1/buyer/recharge/",
    "/api/v1/buyer/endpoints/{public_id}/secrets/",
    "/api/v1/pings/",
}
GENERATED = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)


def test_every_change_of_buyers_and_sources_is_walked() -> None:
    walked = {(each.ok().method.upper(), each.ok().path) for each in changes.get_all_operations()}
    assert {path for _, path in walked} >= NEW
    assert len(walked) >= 25
    assert not [path for _, path in walked if not path.startswith(("/api/v1/buyer/", "/api/v1/pings/"))]


@changes.parametrize()
@GENERATED
def test_change_of_a_row_that_exists_conforms_to_the_schema(case: Case, sold: Lead) -> None:
    own = own_rows(case.operation.path)
    if own is not None and "public_id" in case.path_parameters:
        case.path_parameters["public_id"] = str(own.public_id)
    answer = case.call_and_validate(headers={**key_for(case, sold), "If-Match": "*"}, checks=CHECKS)
    assert answer.status_code not in (412, 428), "the version of the row is the present one"


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize("body", [{}, {"standing_bids": []}, {"caps": None}, {"enrollments": {}}])
def test_smallest_bodies_are_accepted_where_they_mean_something(body: dict[str, Any]) -> None:
    """The control: a change that names nothing, or removes what is not there, is no error."""
    buyer = Buyer.objects.order_by("-wallet__balance_cents")[0]
    place = Enrollment.objects.filter(buyer=buyer).earliest("pk")
    campaign = Campaign.objects.get(pk=place.campaign_id)
    client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer)}", "If-Match": "*"})
    is_question = "enrollments" in body
    path = "whatif/" if is_question else f"enrollments/{campaign.public_id}/"
    send = client.post if is_question else client.patch
    assert send(f"/api/v1/buyer/{path}", body, content_type="application/json").status_code == 200
