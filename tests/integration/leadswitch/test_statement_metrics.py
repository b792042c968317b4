"""The metrics of the statements of each database connection."""

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY
from pytest_django import Settings

from routing.models import Workspace

pytestmark = pytest.mark.django_db(databases=["default", "verdict"])


def read(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"alias": "default", "vendor": "postgresql", **labels}) or 0


def test_each_statement_is_counted_and_timed_once() -> None:
    Workspace.objects.exists()
    counted, timed = read("django_db_execute_total"), read("django_db_query_duration_seconds_count")
    others = read("django_db_execute_total", alias="verdict")

    with CaptureQueriesContext(connection) as queries:
        assert list(Workspace.objects.filter(slug="none")) == []
        Workspace.objects.filter(slug="none").update(name="x")

    assert len(queries) == 2  # counting costs no statement
    assert read("django_db_execute_total") - counted == 2
    assert read("django_db_query_duration_seconds_count") - timed == 2
    assert read("django_db_execute_total", alias="verdict") == others


def test_statements_of_a_bulk_are_counted_one_by_one() -> None:
    counted, many = read("django_db_execute_total"), read("django_db_execute_many_total")
    with connection.cursor() as cursor:
        cursor.executemany("SELECT %s::int", ((number,) for number in range(3)))
    assert read("django_db_execute_total") - counted == 3
    assert read("django_db_execute_many_total") - many == 3


def test_error_is_counted_by_its_type_and_raised() -> None:
    counted = read("django_db_errors_total", type="DivisionByZero")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert read("django_db_errors_total", type="DivisionByZero") - counted == 1


def test_new_connection_is_counted() -> None:
    counted = read("django_db_new_connections_total")
    fresh = connections.create_connection("default")
    fresh.ensure_connection()
    fresh.close()
    assert read("django_db_new_connections_total") - counted == 1


def test_failed_connection_is_counted() -> None:
    counted = read("django_db_new_connection_errors_total")
    broken = connections.create_connection("default")
    broken.settings_dict = {**broken.settings_dict, "NAME": "no_such_database"}
    with pytest.raises(DatabaseError):
        broken.ensure_connection()
    assert read("django_db_new_connection_errors_total") - counted == 1


def test_metrics_page_shows_them(client: Client, settings: Settings) -> None:
    Workspace.objects.exists()
    headers = {"Authorization": f"Bearer {settings.LEADSWITCH_METRICS_TOKEN}"}
    page = client.get("/metrics", headers=headers).content.decode()
    assert 'django_db_execute_total{alias="default",vendor="postgresql"}' in page
    assert 'django_db_query_duration_seconds_bucket{alias="default",le="0.001",vendor="postgresql"}' in page
