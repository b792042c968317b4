"""Random ledgers over three months: every figure of each statement equals the sum that plain Python finds."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distribution.models import Buyer, Wallet
from tests.support.factories import CampaignFactory
from tests.support.statements import book, buyer_on_terms, issue, sale_of

pytestmark = pytest.mark.django_db

MONTHS: Final = (date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1))
END: Final = date(2026, 5, 1)
ZONES: Final = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "Pacific/Honolulu", "America/St_Johns")
START: Final = datetime(2026, 1, 25, tzinfo=UTC)
SECONDS: Final = 90 * 86_400
COLUMN: Final = {
    "charge": "charged_cents",
    "capture": "charged_cents",
    "refund": "refunded_cents",
    "topup": "topped_up_cents",
    "adjustment": "adjusted_cents",
    "cardrefund": "card_refunded_cents",
    "chargeback": "charged_back_cents",
    "won_back": "won_back_cents",
}
SIGN: Final = {"cardrefund": -1, "chargeback": -1}
Entry = tuple[str, int, datetime]

WORKS = st.lists(
    st.tuples(
        st.sampled_from(
            (*("charge", "ask", "refund", "topup", "adjust_down", "adjustment"), *COLUMN.keys() - {"capture"})
        ),
        st.integers(1, 90_000),
        st.integers(0, SECONDS),
        st.sampled_from(("capture", "release", "")),
    ),
    max_size=14,
)


def play(buyer: Buyer, works: list[tuple[str, int, int, str]]) -> list[Entry]:
    """Book them in the order of their times, as the ledger has it. Returns kind, cents and time of each entry."""
    campaign = CampaignFactory(workspace=buyer.workspace)
    entries: list[Entry] = []
    charges: list[Any] = []

    def write(kind: str, cents: int, at: datetime, sold: Any = None) -> None:
        book(buyer, kind, cents, at=at, assignment=sold)
        entries.append((kind, cents, at))

    for kind, cents, second, end in sorted(works, key=lambda work: work[2]):
        at = START + timedelta(seconds=second)
        if kind == "charge":
            charges.append([sale_of(buyer, campaign, price_cents=cents), cents])
            write("charge", -cents, at, charges[-1][0])
        elif kind == "ask":
            asked = sale_of(buyer, campaign, price_cents=cents)
            write("hold", -cents, at, asked)
            if end:
                write(end, -cents if end == "capture" else cents, at, asked)
        elif kind == "refund":
            if charges and charges[-1][1]:
                part = min(cents, charges[-1][1])
                charges[-1][1] -= part
                write("refund", part, at, charges[-1][0])
        elif kind == "adjust_down":
            write("adjustment", -cents, at)
        else:
            write(kind, SIGN.get(kind, 1) * cents, at)
    return entries


def expect(entries: list[Entry], first: date, after: date, zone: ZoneInfo) -> dict[str, int]:
    """The figures of a month by the local date of each entry."""
    found: dict[str, int] = defaultdict(int)
    for kind, cents, at in entries:
        day = at.astimezone(zone).date()
        if day >= after:
            continue
        if kind in ("hold", "release", "capture"):
            found["held_cents"] += cents if kind == "capture" else -cents
        if kind in COLUMN:
            found["closing_cents"] += cents
            if day < first:
                found["opening_cents"] += cents
            else:
                found[COLUMN[kind]] += cents
                found["leads"] += kind in ("charge", "capture")
    found["due_cents"] = max(0, -found["closing_cents"])
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(works=WORKS, zone=st.sampled_from(ZONES))
def test_statements_are_the_sums_of_the_ledger(works: list[tuple[str, int, int, str]], zone: str) -> None:
    with transaction.atomic():
        buyer = buyer_on_terms(timezone=zone)
        entries = play(buyer, works)
        at = datetime(2026, 6, 1, tzinfo=UTC)
        statements = [issue(buyer, month, at=at) for month in MONTHS]

        names = (
            *dict.fromkeys(COLUMN.values()),
            "opening_cents",
            "closing_cents",
            "held_cents",
            "due_cents",
            "leads",
        )
        for statement, after in zip(statements, (*MONTHS[1:], END), strict=True):
            wanted = expect(entries, statement.month, after, ZoneInfo(zone))
            assert {name: getattr(statement, name) for name in names} == {
                name: wanted[name] for name in names
            }
            assert (
                sum(each["amount_cents"] for each in statement.details["campaigns"])
                == statement.charged_cents
            )
            others = sum(each["amount_cents"] for each in statement.details["movements"])
            assert others == sum(
                getattr(statement, name) for name in dict.fromkeys(COLUMN.values()) if name != "charged_cents"
            )
        if all(at.astimezone(ZoneInfo(zone)).date() < END for _, _, at in entries):
            assert statements[-1].closing_cents == Wallet.objects.get(buyer=buyer).balance_cents
        transaction.set_rollback(True)
