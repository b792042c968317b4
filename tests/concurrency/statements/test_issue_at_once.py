"""Workers that issue the same month, or the next number of a workspace, at the same time."""

from functools import partial

import pytest

from distribution.models import BuyerStatement, Wallet
from distribution.statements.issue import issue_statement
from tests.support.factories import WorkspaceFactory
from tests.support.racing import race
from tests.support.statements import IN_FEBRUARY, JANUARY, buyer_on_terms, issue

pytestmark = pytest.mark.usefixtures("committed_db")


def test_one_of_many_workers_issues_the_statement() -> None:
    wallet = Wallet.objects.get(buyer=buyer_on_terms())
    work = partial(issue_statement, wallet, JANUARY, at=IN_FEBRUARY, actor="beat")

    results = race([work] * 6)

    assert sorted(is_new for _, is_new in results) == [False] * 5 + [True]
    assert {statement.pk for statement, _ in results} == {BuyerStatement.objects.get().pk}


def test_buyers_of_a_workspace_get_numbers_without_gaps() -> None:
    workspace = WorkspaceFactory()
    buyers = [buyer_on_terms(workspace=workspace) for _ in range(6)]

    statements = race([partial(issue, buyer) for buyer in buyers])

    assert sorted(each.number for each in statements) == [1, 2, 3, 4, 5, 6]
