"""The buyers' systems of the demo: a verdict for each message, a customer, and one answer that is lost."""

from leadswitch.demo.buyer_system import ACCEPTED, FIRST, REJECTED, Systems
from leadswitch.demo.summary import Movement
from leadswitch.demo.tries import TryRow, show_tries


def test_customer_is_refused_by_the_first_buyer_alone() -> None:
    systems = Systems(customers={"ann@example.com"}, lost=set())

    assert systems.take(FIRST, "m1", "ann@example.com") == (REJECTED, False)
    assert systems.take("/second", "m2", "ann@example.com") == (ACCEPTED, False)
    assert systems.take(FIRST, "m3", "bob@example.com") == (ACCEPTED, False)


def test_answer_is_lost_once_and_repeated() -> None:
    systems = Systems(customers=set(), lost={"ann@example.com"})

    assert systems.take(FIRST, "m1", "ann@example.com") == (ACCEPTED, True)
    assert systems.take(FIRST, "m1", "ann@example.com") == (ACCEPTED, False)


def test_held_price_stays_in_the_wallet() -> None:
    kinds = ("topup", "hold", "release", "capture", "refund")

    assert [kind for kind in kinds if Movement(kind, 1, 100).changes_balance] == [
        "topup",
        "capture",
        "refund",
    ]


def test_lead_is_named_at_its_first_try() -> None:
    row = ("Ann Roofing", "01a20094-ffff", 1, "unknown", "", "reset", "", "held", "")
    again = (
        "Ann Roofing",
        "01a20094-ffff",
        2,
        "accepted",
        "200",
        "",
        "",
        "sold",
        "hold 40.00, capture 40.00",
    )

    table = show_tries([TryRow("Lost", *row), TryRow("Lost", *again), TryRow("Other", *row)])

    leads, _, messages, _, _, answers, *_ = (list(column.cells) for column in table.columns)
    assert leads == ["Lost", "", "Other"]
    assert messages == ["…4-ffff"] * 3
    assert answers == ["reset", "200", "reset"]
