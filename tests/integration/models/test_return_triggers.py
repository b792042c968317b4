"""The triggers of returns refuse what no constraint can, by name."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tests.support.return_breaches import TRIGGER_BREACHES, new_entry, new_sale

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "break_it"),
    TRIGGER_BREACHES,
    ids=[f"{place}-{name}" for place, (name, _) in enumerate(TRIGGER_BREACHES)],
)
def test_breach_is_refused_by_name(name: str, break_it: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        break_it()

    assert refused.value.__cause__.diag.constraint_name == name  # type: ignore[union-attr]


def test_refunds_up_to_the_charge_are_allowed() -> None:
    sold = new_sale()
    for cents in (60, 40):
        new_entry(sold, kind="refund", amount_cents=cents)

    assert sold.entries.count() == 3
