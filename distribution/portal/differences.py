"""What a change that waits would make of each setting, in the words of the portal."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from distribution.configuration.describe import describe_standing_bids
from distribution.models import ChangeProposal
from distribution.portal.filter import describe_filter
from distribution.portal.setting_words import describe_area, describe_opening
from distribution.selfservice.approvals import DecisionRefused, describe_difference
from distribution.selfservice.author import Author
from distribution.selfservice.refusals import ChangeRefused
from tracing.wording import money, value

NAMES: Final = {
    "name": "Company",
    "timezone": "Time zone",
    "contact_name": "Contact person",
    "contact_email": "Email address",
    "contact_phone": "Phone",
    "bid_cents": "Your bid",
    "standing_bids": "Bids in auctions",
    "lead_filter": "Leads you want",
    "notice_below_cents": "Notice below",
    "paused_at": "Paused since",
}
# A pause has its times.
HIDDEN: Final = frozenset({"is_paused_by_buyer"})
CENTS: Final = "_cents"
NOTHING: Final = "nothing"


def describe_differences(proposal: ChangeProposal, *, at: datetime) -> list[tuple[str, str, str]]:
    """Name, present value and wanted value; none if the change can no longer be made as it was asked for."""
    try:
        found = describe_difference(proposal, by=Author("", at))
    except (DecisionRefused, ChangeRefused):
        return []
    return [
        (name_setting(each.name), show_setting(each.name, each.before), show_setting(each.name, each.after))
        for each in found
        if each.name not in HIDDEN
    ]


def name_setting(column: str) -> str:
    """ "budget_day_cents" is "Budget per day"."""
    plain = column.removesuffix(CENTS).capitalize()
    kind, _, period = plain.partition("_")
    words = f"{kind} per {period}" if kind in ("Cap", "Budget") else plain.replace("_", " ")
    return NAMES.get(column, words)


def show_setting(column: str, stored: Any) -> str:
    if column in _WORDS:
        return _WORDS[column](stored)
    if stored in (None, "", {}, []):
        return NOTHING
    if column.endswith(CENTS):
        return money(stored)
    if isinstance(stored, datetime):
        return f"{timezone.localtime(stored):%b %d, %Y, %H:%M %Z}"
    return str(stored)


def _describe_bids(rules: Any) -> str:
    return describe_standing_bids(rules) if rules else "no rules"


def _describe_answers(answers: Any) -> str:
    if not isinstance(answers, Mapping) or not answers:
        return NOTHING
    return "; ".join(f"{str(key).replace('_', ' ')}: {value(answer)}" for key, answer in answers.items())


_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "service_area": describe_area,
    "hours": describe_opening,
    "lead_filter": describe_filter,
    "standing_bids": _describe_bids,
    "answers": _describe_answers,
}
