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

    assert [(kind, Movement(kind, 1, 100).balance_cents) for kind in kinds] == [
        ("topup", 100),
        ("hold", 0),
        ("release", 0),
        ("capture", 100),
        ("refund", 100),
    ]


def test_requests_of_a_lead_are_shown_with_their_answers_and_the_money() -> None:
    lost = ("Ann Roofing", "01a20094-ffff", 1, "unknown", "", "reset", "", "held", "")
    known = (
        "Ann Roofing",
        "01a20094-ffff",
        2,
        "rejected",
        "200",
        "",
        "a customer",
        "rejected",
        "release $40.00",
    )

    assert list(show_tries([TryRow("Lost", *lost), TryRow("Lost", *known), TryRow("Other", *lost)])) == [
        "Lost",
        "  Ann Roofing, message …4-ffff, try 1: unknown (reset)",
        "  Ann Roofing, message …4-ffff, try 2: rejected (200: a customer)",
        "    rejected: release $40.00",
        "Other",
        "  Ann Roofing, message …4-ffff, try 1: unknown (reset)",
    ]
