"""Lists of a workspace read the newest rows by index, however many rows other workspaces have."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from distribution.deliveries import queries as deliveries
from distribution.deliveries.queries import list_deliveries
from distribution.models import Buyer, Delivery, Endpoint
from distribution.returns import queries as returns
from distribution.returns.queries import list_returns_of_workspace
from routing.models import Workspace
from tests.support.delivery_breaches import new_try
from tests.support.factories import (
    BuyerFactory,
    DeliveryFactory,
    EndpointFactory,
    LeadFactory,
    issue_workspace_key,
)
from tests.support.plans import nodes
from tests.support.planting import plant

BUYERS, EACH = 40, 500
# 1 in 100 waits.
FILL_DELIVERIES = f"""
INSERT INTO distribution_delivery (endpoint_id, lead_id, state, tries, ended_at, created_at)
SELECT e.id, 1, CASE n % 100 WHEN 0 THEN 'unknown' ELSE 'accepted' END, 1,
    CASE n % 100 WHEN 0 THEN NULL ELSE now() END, now()
FROM generate_series(1, {EACH}) n CROSS JOIN distribution_endpoint e
"""
FILL_RETURNS = f"""
INSERT INTO distribution_returnrequest (
    public_id, assignment_id, lead_id, buyer_id, state, reason, text, requested_at, requested_by, decided_at,
    decided_by, decision_reason, is_automatic, is_resold
)
SELECT gen_random_uuid(), row_number() OVER (), (SELECT min(id) FROM routing_lead), b.id,
    CASE n % 100 WHEN 0 THEN 'requested' ELSE 'declined' END,
    'fake', '', now(), 'key', CASE n % 100 WHEN 0 THEN NULL ELSE now() END, '', '', false, false
FROM generate_series(1, {EACH}) n CROSS JOIN distribution_buyer b
"""
FILL_SALES = """
INSERT INTO distribution_assignment (
    id, public_id, lead_id, buyer_id, campaign_id, attempt_id, price_cents, state, returned_at, counted_on, is_counted
)
SELECT assignment_id, gen_random_uuid(), lead_id, buyer_id, 1, gen_random_uuid(), 1, 'returned', now(), now(), false
FROM distribution_returnrequest
"""
BIG = {"distribution_delivery", "distribution_returnrequest"}
SHOWN = 51


@pytest.fixture
def workspace(committed_db: None) -> Workspace:  # noqa: ARG001
    """Two of the many buyers are ours."""
    ours = EndpointFactory()
    EndpointFactory(buyer__workspace=ours.workspace)
    for buyer in BuyerFactory.create_batch(BUYERS - 2):
        EndpointFactory(buyer=buyer)
    LeadFactory()
    for sql in (FILL_DELIVERIES, FILL_RETURNS, FILL_SALES):
        assert plant(sql) == BUYERS * EACH
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found: Workspace = ours.workspace
    return found


def explain(sql: str, parameters: Any = ()) -> tuple[set[str], set[str], int]:
    """The indexes that the executed plan used, the tables it read in full, and how many rows of big ones it read."""
    found = nodes(sql, parameters, options="ANALYZE, FORMAT JSON")
    indexes = {node["Index Name"] for node in found if "Index Name" in node}
    scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in found
        if node.get("Relation Name") in BIG
    )
    return indexes, scanned, int(read)


def statements_of(call: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        call()
    return [each["sql"].replace("%", "%%") for each in captured]


def test_newest_rows_are_found_by_the_index_of_each_owner(workspace: Workspace) -> None:
    given: dict[str, Any] = {"workspace": workspace.pk, "limit": SHOWN, "before": returns.NEWEST}
    for sql, index in (
        (deliveries.NEWEST_OF_WORKSPACE, "delivery_endpoint"),
        (returns.NEWEST_OF_WORKSPACE, "return_buyer_newest"),
    ):
        indexes, scanned, read = explain(sql, given)
        assert index in indexes
        assert not scanned & BIG
        assert read == 2 * SHOWN


@pytest.mark.parametrize("state", ["approved", "declined", "withdrawn"])
def test_ended_returns_of_a_state_are_found_without_the_others(workspace: Workspace, state: str) -> None:
    """Almost all of them are declined: then the index without the state gives the newest of them as well."""
    sql, *_ = statements_of(
        lambda: list_returns_of_workspace(workspace.pk, buyer=None, limit=SHOWN, before=None, state=state)
    )

    indexes, scanned, read = explain(sql)

    assert state == "declined" or "return_buyer_state_newest" in indexes
    assert not scanned & BIG
    assert read <= (2 * (SHOWN + 1) if state == "declined" else 0)


@pytest.mark.parametrize(
    ("state", "usable", "most"),
    [
        (None, {"return_buyer_newest"}, SHOWN),
        ("declined", {"return_buyer_newest", "return_buyer_state_newest"}, SHOWN + 1),
        ("requested", {"return_buyer_state_newest", "return_open_oldest"}, BUYERS * EACH // 100),
        ("withdrawn", {"return_buyer_state_newest"}, 0),
    ],
)
def test_returns_of_one_buyer_are_found_by_its_indexes(
    workspace: Workspace, state: str | None, usable: set[str], most: int
) -> None:
    buyer = Buyer.objects.filter(workspace=workspace).earliest("pk")
    sql, *_ = statements_of(
        lambda: list_returns_of_workspace(workspace.pk, buyer=buyer, limit=SHOWN, before=None, state=state)
    )

    indexes, scanned, read = explain(sql)

    assert indexes & usable
    assert not scanned & BIG
    assert read <= most


def test_rows_that_wait_are_found_by_their_index(workspace: Workspace) -> None:
    *_, waiting = statements_of(
        lambda: list_deliveries(workspace.pk, limit=SHOWN, before=None, state="unknown")
    )
    asked, *_ = statements_of(
        lambda: list_returns_of_workspace(
            workspace.pk, buyer=None, limit=SHOWN, before=None, state="requested"
        )
    )
    for sql in (waiting, asked):
        _, scanned, read = explain(sql)
        assert not scanned & BIG
        assert read <= BUYERS * EACH // 100


def test_deliveries_of_one_endpoint_are_found_by_its_index(workspace: Workspace) -> None:
    endpoint = Endpoint.objects.filter(workspace=workspace).earliest("pk")
    *_, sql = statements_of(
        lambda: list_deliveries(workspace.pk, limit=SHOWN, before=None, endpoint_id=endpoint.pk)
    )

    indexes, scanned, read = explain(sql)

    assert "delivery_endpoint" in indexes
    assert not scanned & BIG
    assert read == SHOWN


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["", "?state=unknown"])
def test_longer_list_takes_no_more_statements(path: str) -> None:
    endpoint = EndpointFactory()
    client = Client(headers={"Authorization": f"Api-Key {issue_workspace_key(endpoint.workspace)}"})

    def count(more: int) -> int:
        for row in DeliveryFactory.create_batch(more, endpoint=endpoint, state="unknown", next_try_at=None):
            new_try(delivery=row)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/api/v1/workspace/deliveries/{path}").status_code == 200
        return len(captured)

    few, many = count(1), count(5)

    assert few == many
    assert Delivery.objects.count() == 6
