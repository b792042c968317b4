"""Explains to a source why a ping got no price, and what the source can change. Says nothing about buyers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from routing.leads.explanation import (
    ADVICE,
    ELSEWHERE,
    UNSOLD,
    Advice,
    find_missing,
    is_out_of_every_area,
    visible_reason,
)
from tracing import wording

ASK_FOR_CONTRACT: Final = Advice(
    "The source has no contract that pays for leads, so no price can be promised.",
    "Send the lead without a ping, or ask the operator for a contract.",
    "operator",
)
NOT_CERTAIN: Final = Advice(
    "Buyers decide about each lead what they pay for it, so no price can be promised before.",
    "Send the lead without a ping, or ask the operator for a lowest price.",
    "operator",
)
# Codes that are no skip reasons. A lead that would go to another workspace has only the first.
OF_PINGS: Final[Mapping[str, Advice]] = {"no_contract": ASK_FOR_CONTRACT, "no_certain_price": NOT_CERTAIN}
CHANGES: Final[Mapping[str, str]] = {
    "sender": "Ping with a vertical that is sold, or ask the operator to add a campaign for this one.",
    "operator": "Ask the operator. The lead itself does not have to change.",
    "time": "Ping again later, or send the lead without a ping: it then waits for a buyer.",
    "nobody": "Nothing. The partner decides.",
}


@dataclass(frozen=True, slots=True)
class NoPrice:
    """`reason`: a code, None if it is confidential to another workspace. `missing_fields`: what buyers require."""

    reason: str | None
    sentence: str
    change: str
    fixer: str
    missing_fields: tuple[str, ...] = ()


def explain_no_price(
    reason: str, *, gates: Sequence[Sequence[Mapping[str, Any]]], zip_code: str, is_elsewhere: bool
) -> NoPrice:
    """`gates`: those that failed, for each buyer."""
    is_own = reason == "no_contract" or (reason in OF_PINGS and not is_elsewhere)
    shown = reason if is_own else visible_reason(reason, is_elsewhere=is_elsewhere)
    if not shown:
        return _describe(None, ELSEWHERE)
    own = OF_PINGS.get(shown)
    if own is not None:
        return NoPrice(shown, own.sentence, own.change, own.fixer)
    missing = () if is_elsewhere else tuple(find_missing(gates))
    if missing:
        names = ", ".join(wording.field_name(each) for each in missing)
        sentence = f"No buyer takes this lead without {names}."
        return NoPrice(shown, sentence, f"Ping again with {names}.", "sender", missing)
    if not is_elsewhere and is_out_of_every_area(gates):
        change = "Send leads from areas with buyers. If the ZIP code is wrong, ping again with the right one."
        return NoPrice(shown, f"No buyer takes leads from {zip_code}.", change, "sender")
    return _describe(shown, ADVICE.get(shown, UNSOLD))


def _describe(reason: str | None, advice: Advice) -> NoPrice:
    return NoPrice(reason, advice.sentence, CHANGES[advice.fixer], advice.fixer)
