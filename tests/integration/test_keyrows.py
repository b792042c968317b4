"""The written-out look-up of a source key gives what the ORM would."""

import pytest
from django.db.models import Model
from pytest_django import DjangoAssertNumQueries

from routing.keyrows import find_source_key
from routing.models import SourceKey
from tests.factories import SourceFactory, issue_key

pytestmark = pytest.mark.django_db


def columns(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_the_key_comes_with_its_source_and_workspace(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    issue_key(SourceFactory())
    secret = issue_key(SourceFactory())
    wanted = SourceKey.objects.select_related("source__workspace").get(prefix=secret.partition(".")[0])

    with django_assert_num_queries(1):
        key = find_source_key(wanted.prefix)
        assert key is not None
        found = (key, key.source, key.source.workspace)

    expected = (wanted, wanted.source, wanted.source.workspace)
    assert [columns(row) for row in found] == [columns(row) for row in expected]


def test_an_unknown_prefix_finds_nothing() -> None:
    assert find_source_key("nobodys0") is None
