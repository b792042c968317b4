"""A statement as a person reads it: the words and amounts of its page, its PDF and its mail. Reads no ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from distribution.models import BuyerStatement, LedgerKind
from distribution.statements.figures import MAX_LISTED
from routing.calendar.zones import load_zone
from tracing.wording import count, money

# The column of each line, its words, and the kinds of entries that it counts.
LINES: Final = (
    ("charged_cents", "Leads", ("charge", "capture")),
    ("refunded_cents", "Refunds for returns", ("refund",)),
    ("topped_up_cents", "Top-ups", ("topup",)),
    ("adjusted_cents", "Adjustments", ("adjustment",)),
    ("card_refunded_cents", "Refunds to cards", ("cardrefund",)),
    ("charged_back_cents", "Chargebacks", ("chargeback",)),
    ("won_back_cents", "Chargebacks won back", ("won_back",)),
)
TIME: Final = "%B %-d, %Y, %-I:%M %p %Z"
DAY: Final = "%B %-d, %Y"
NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """`number`: how many movements; blank for a balance."""

    label: str
    number: str
    amount: str


@dataclass(frozen=True, slots=True)
class Movement:
    day: str
    label: str
    lead_id: str
    amount: str


@dataclass(frozen=True, slots=True)
class Document:
    """`facts`: pairs of a label and a text. `number` 0: a preview."""

    title: str
    number: int
    facts: Sequence[tuple[str, str]]
    summary: Sequence[Row]
    campaigns: Sequence[Row]
    movements: Sequence[Movement]
    omitted: str
    issued_at: str

    @property
    def is_preview(self) -> bool:
        return self.number == 0


def write_document(statement: BuyerStatement) -> Document:
    """A row without a number is shown as a preview."""
    number = statement.number or 0
    month = f"{statement.month:%B %Y}"
    name = f"Statement {number}" if number else "Preview"
    return Document(
        title=f"{name}: {statement.buyer_name}, {month}",
        number=number,
        facts=tuple(_list_facts(statement)),
        summary=tuple(_list_summary(statement)),
        campaigns=[
            Row(each["name"], str(each["leads"]), money(each["amount_cents"]))
            for each in statement.details["campaigns"]
        ],
        movements=[_write_movement(each) for each in statement.details["movements"]],
        omitted=_write_omitted(statement),
        issued_at=statement.issued_at.isoformat(timespec="seconds"),
    )


def _list_facts(statement: BuyerStatement) -> Iterator[tuple[str, str]]:
    zone = load_zone(statement.timezone)
    yield "From", statement.workspace_name
    yield "To", statement.buyer_name
    yield "Month", f"{statement.month:%B %Y} ({statement.timezone})"
    if statement.number:
        yield "Issued", statement.issued_at.astimezone(zone).strftime(TIME)
    yield "Held at the end", money(statement.held_cents)
    yield "Credit limit", money(statement.credit_limit_cents)
    yield "Due", money(statement.due_cents)
    yield "Pay until", _write_pay_until(statement)


def _write_pay_until(statement: BuyerStatement) -> str:
    if not statement.due_cents:
        return "Nothing to pay"
    if not statement.number:
        days = count(statement.terms_days or 0, "day")
        return f"{days} after it is issued"
    return statement.due_on.strftime(DAY)


def _list_summary(statement: BuyerStatement) -> Iterator[Row]:
    """Lines without a movement are left out, except leads."""
    counts: dict[str, int] = statement.details["counts"]
    yield Row("Opening balance", "", money(statement.opening_cents))
    for column, label, kinds in LINES:
        number = sum(counts.get(kind, 0) for kind in kinds)
        if number or column == "charged_cents":
            yield Row(label, str(number), money(getattr(statement, column)))
    yield Row("Closing balance", "", money(statement.closing_cents))


def _write_movement(movement: dict[str, Any]) -> Movement:
    return Movement(
        day=movement["day"],
        label=str(LedgerKind(movement["kind"]).label).capitalize(),
        lead_id=movement["lead_id"] or NOTHING,
        amount=money(movement["amount_cents"]),
    )


def _write_omitted(statement: BuyerStatement) -> str:
    """Blank: all movements are listed."""
    others = [kind for _, _, kinds in LINES[1:] for kind in kinds]
    total = sum(statement.details["counts"].get(kind, 0) for kind in others)
    return (
        f"The newest {MAX_LISTED:,} of {total:,} are listed. The sums are whole."
        if total > MAX_LISTED
        else ""
    )
