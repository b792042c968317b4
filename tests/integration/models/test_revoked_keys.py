"""A revoked API key stays revoked; the database refuses to make it valid again."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from distribution.models import BuyerKey, WorkspaceKey
from routing.models import SourceKey
from tests.support.factories import BuyerFactory, SourceFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[SourceKey, BuyerKey, WorkspaceKey], ids=["source", "buyer", "workspace"])
def key(request: pytest.FixtureRequest) -> Any:
    model = request.param
    owners: dict[str, Any] = {"source": SourceFactory, "buyer": BuyerFactory, "workspace": WorkspaceFactory}
    made, _ = model.objects.create_key(name="site", **{model.owner_field: owners[model.owner_field]()})
    return made


def test_revoked_key_is_not_made_valid_again(key: Any) -> None:
    rows = type(key).objects.filter(pk=key.pk)
    rows.update(revoked=True)

    for refused in (lambda: rows.update(revoked=False), key.save):
        with (
            pytest.raises(IntegrityError, match=f"Key {key.prefix} is revoked") as error,
            transaction.atomic(),
        ):
            refused()
        cause = error.value.__cause__
        assert cause.diag.constraint_name == "revoked_key_stays_revoked"  # type: ignore[union-attr] # the driver's error

    assert rows.get().revoked


def test_revoked_key_may_change_otherwise(key: Any) -> None:
    """save() of a fresh row writes `revoked` unchanged."""
    type(key).objects.update(revoked=True)
    key.refresh_from_db()
    key.name = "old form"

    key.save()

    key.refresh_from_db()
    assert (key.revoked, key.name) == (True, "old form")


def test_valid_key_may_be_revoked_and_saved(key: Any) -> None:
    key.save()
    key.revoked = True
    key.save()

    key.refresh_from_db()
    assert key.revoked
