"""Reading requests are planned for their own values each time. The intake keeps its statements prepared."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from routing.models import Lead, Source
from tests.support.admin_pages import client_of, page
from tests.support.factories import SourceFactory, issue_key

# The driver prepares at the sixth use, and the server chooses a generic plan after five more.
MANY = 12
PREPARED = (
    "SELECT count(*), COALESCE(sum(generic_plans), 0) FROM pg_prepared_statements WHERE statement LIKE %s"
)


@pytest.fixture
def source(committed_db: None) -> Source:  # noqa: ARG001 - it makes the database
    connection.close()  # a new connection has no prepared statements
    found: Source = SourceFactory()
    return found


def prepared(table: str) -> tuple[int, int]:
    """The number of prepared statements on the table, and how often they used a generic plan."""
    with connection.cursor() as cursor:
        cursor.execute(PREPARED, [f"%{table}%"])
        number, generic = cursor.fetchone()
    return number, int(generic)


@pytest.mark.usefixtures("source")
def test_admin_list_is_never_prepared() -> None:
    client = client_of(User.objects.create_superuser("root"))
    for _ in range(MANY):
        client.get(page(Lead, "changelist"), {"status__exact": "calling"})
    assert prepared("routing_lead") == (0, 0)


def test_reading_response_is_never_prepared(source: Source) -> None:
    headers = {"Authorization": f"Api-Key {issue_key(source)}"}
    created = post(headers)
    before = prepared("routing_lead")
    for _ in range(MANY):
        assert Client().get(f"/api/v1/leads/{created}/", headers=headers).status_code == 200
    assert prepared("routing_lead") == before


def test_intake_keeps_its_statements_prepared(source: Source) -> None:
    """The control, and the hot path: the same connection, also after a page."""
    headers = {"Authorization": f"Api-Key {issue_key(source)}"}
    client = client_of(User.objects.create_superuser("root"))
    for _ in range(MANY):
        post(headers)
        client.get(page(Lead, "changelist"))
    number, generic = prepared("INSERT INTO routing_lead")
    assert number == 1
    assert generic > 0


def post(headers: dict[str, str]) -> str:
    body = {"zip": "30312", "email": f"ann{Lead.objects.count()}@example.com"}
    answer = Client().post("/api/v1/leads/", body, content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    found: str = answer.json()["id"]
    return found


@pytest.mark.usefixtures("source")
def test_connection_opened_by_the_request_is_planned_each_time_too() -> None:
    client = client_of(User.objects.create_superuser("root"))
    connection.close()
    for _ in range(MANY):
        client.get(page(Lead, "changelist"))
    assert prepared("routing_lead") == (0, 0)
    assert connection.connection.prepare_threshold == 5
