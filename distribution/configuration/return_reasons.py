"""Why a sold lead may come back: a row for each reason.

A code is permanent, because rows and buyers' programs have it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.core.exceptions import ValidationError


class Returnable(StrEnum):
    """YES: a policy accepts it unless it lists other reasons. NO: only a policy that lists it accepts it.

    OPERATOR: no buyer may give it.
    """

    YES = "yes"
    NO = "no"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class ReturnReason:
    """`label`: what lists show. `advice`: what the buyer should send as evidence, or why the reason is refused."""

    code: str
    label: str
    returnable: Returnable
    advice: str


_ROWS: Final = (
    ReturnReason("bad_phone", "wrong or disconnected phone number", Returnable.YES, "Say when you called."),
    ReturnReason("bad_email", "email address that bounces", Returnable.YES, "Send the text of the bounce."),
    ReturnReason("fake", "made-up person or joke", Returnable.YES, "Say how you found out."),
    ReturnReason("duplicate", "we bought this person from you before", Returnable.YES, "Name the earlier assignment."),
    ReturnReason("out_of_area", "outside our service area", Returnable.YES, "Name the place that the person gave you."),
    ReturnReason("wrong_vertical", "wants another kind of service", Returnable.YES, "Name the service."),
    ReturnReason("no_consent", "did not agree to be contacted", Returnable.YES, "Quote the person."),
    ReturnReason("test", "test entry", Returnable.YES, "Say how you recognized it."),
    ReturnReason("not_a_customer", "job seeker or solicitor", Returnable.YES, "Say what the person wanted."),
    ReturnReason("no_answer", "does not answer", Returnable.NO, "The person may still become a customer."),
    ReturnReason("changed_mind", "no longer interested", Returnable.NO, "The lead was valid when you bought it."),
    ReturnReason("price", "our price was too high", Returnable.NO, "The lead was valid when you bought it."),
    ReturnReason("chose_another", "hired another company", Returnable.NO, "The lead was valid when you bought it."),
    ReturnReason("called_late", "we called too late", Returnable.NO, "The lead was valid when you bought it."),
    ReturnReason("already_ours", "already our customer", Returnable.NO, "The lead was valid when you bought it."),
    ReturnReason("agency", "taken back by the agency", Returnable.OPERATOR, "An operator took the lead back."),
)  # fmt: skip
RETURN_REASONS: Final = {row.code: row for row in _ROWS}
REASON_CHOICES: Final = [(row.code, row.label) for row in _ROWS]
FOR_BUYERS: Final = tuple(row.code for row in _ROWS if row.returnable is not Returnable.OPERATOR)
ACCEPTED: Final = tuple(row.code for row in _ROWS if row.returnable is Returnable.YES)
BUYER_CHOICES: Final = [(code, RETURN_REASONS[code].label) for code in FOR_BUYERS]
BY_AGENCY: Final = "agency"


def accepted_reasons() -> list[str]:
    """The reasons that a new policy accepts."""
    return list(ACCEPTED)


def check_within(codes: list[str], *, accepted: list[str]) -> None:
    """Raise ValidationError if a reason is approved automatically that is not accepted at all."""
    if surplus := [RETURN_REASONS[code].label for code in codes if code not in accepted]:
        raise ValidationError(
            f"Not an accepted reason: {', '.join(surplus)}. Accept it too, or uncheck it here."
        )
