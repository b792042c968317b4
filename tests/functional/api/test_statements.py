"""The buyers' API of statements: list, detail, what is still to be paid, and nothing personal."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from distribution.api import buyerexamples, statementdocuments
from tests.functional.api.test_buyer_api import Api, assert_described
from tests.support.factories import CampaignFactory
from tests.support.statements import FEBRUARY, JANUARY, book, buyer_on_terms, charge, issue, sale_of

pytestmark = pytest.mark.django_db

MIDDLE = datetime(2026, 1, 15, 17, tzinfo=UTC)
PERSON = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com", "phone": "+14048812345"}


def test_list_has_the_newest_first_and_pages() -> None:
    buyer = buyer_on_terms()
    issue(buyer)
    issue(buyer, FEBRUARY, at=datetime(2026, 3, 2, tzinfo=UTC))
    api = Api(buyer)

    first = api.get("statements/?limit=1")
    second = api.get(f"statements/?limit=1&cursor={first['next_cursor']}")

    assert [each["month"] for each in first["results"] + second["results"]] == ["2026-02", "2026-01"]
    assert second["next_cursor"] is None
    assert_described(api.get("statements/"), statementdocuments.StatementPageDocument())


def test_statement_names_leads_by_id_and_nobody() -> None:
    campaign = CampaignFactory(name="Roofing")
    buyer = buyer_on_terms(workspace=campaign.workspace, name="Acme")
    sold = sale_of(buyer, campaign, price_cents=2_500, **PERSON)
    book(buyer, "charge", -2_500, at=MIDDLE, assignment=sold)
    book(buyer, "refund", 400, at=MIDDLE, assignment=sold)
    number = issue(buyer).number
    api = Api(buyer)

    answer = api.get(f"statements/{number}/")

    assert_described(answer, statementdocuments.BuyerStatementDocument())
    assert answer["campaigns"] == [
        {"id": str(campaign.public_id), "name": "Roofing", "leads": 1, "amount_cents": -2_500}
    ]
    [refund] = answer["movements"]
    assert (refund["kind"], refund["lead_id"], refund["amount_cents"]) == (
        "refund",
        str(sold.lead.public_id),
        400,
    )
    assert (answer["closing_balance_cents"], answer["due_cents"], answer["buyer"]) == (-2_100, 2_100, "Acme")
    text = str(answer)
    assert not [value for value in (*PERSON.values(), "Call") if value in text]


def test_payment_after_the_statement_lowers_what_is_outstanding() -> None:
    campaign = CampaignFactory()
    buyer = buyer_on_terms(workspace=campaign.workspace)
    charge(buyer, campaign, 2_500, at=MIDDLE)
    statement = issue(buyer)
    api = Api(buyer)

    def shown(at: datetime) -> tuple[int, bool]:
        with time_machine.travel(at, tick=False):
            answer = api.get(f"statements/{statement.number}/")
        return answer["outstanding_cents"], answer["is_overdue"]

    moment = timedelta(microseconds=1)
    assert shown(statement.due_at - moment) == (2_500, False)
    assert shown(statement.due_at) == (2_500, True)
    # A lead of the next month is no payment, and a correction downward neither.
    charge(buyer, campaign, 9_000, at=statement.due_at)
    book(buyer, "adjustment", -10, at=statement.due_at)
    book(buyer, "topup", 2_400, at=statement.due_at)
    assert shown(statement.due_at) == (100, True)
    book(buyer, "adjustment", 500, at=statement.due_at)
    assert shown(statement.due_at) == (0, False)


def test_statement_of_another_buyer_is_not_found() -> None:
    first = buyer_on_terms()
    second = buyer_on_terms(workspace=first.workspace)
    issue(first)
    number = issue(second, JANUARY).number

    assert Api(first).ask(f"statements/{number}/").status_code == 404
    assert Api(second).get(f"statements/{number}/")["month"] == f"{date(2026, 1, 1):%Y-%m}"


def test_examples_are_valid_responses() -> None:
    for operation, document in (
        ("buyer_statements_list", statementdocuments.StatementPageDocument()),
        ("buyer_statements_retrieve", statementdocuments.BuyerStatementDocument()),
    ):
        for example in buyerexamples.OF[operation]:
            assert_described(example.value, document)
