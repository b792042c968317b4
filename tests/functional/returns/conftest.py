"""Three sales to one buyer, and a policy for every buyer of its workspace."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from distribution.models import Assignment, ReturnPolicy


@pytest.fixture
def sales(db: None) -> "list[Assignment]":  # noqa: ARG001
    from tests.functional.returns.world import sell_three  # models load after Django is set up

    return sell_three()


@pytest.fixture
def policy(sales: "list[Assignment]") -> "ReturnPolicy":
    from tests.support.factories import ReturnPolicyFactory

    made: ReturnPolicy = ReturnPolicyFactory(workspace=sales[0].buyer.workspace)
    return made
