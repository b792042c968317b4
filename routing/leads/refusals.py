"""Which actions a lead allows, and why it refuses the others. Pages ask before they offer an action."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from routing.models import UNFINISHED, Lead, LeadStatus


class Action(StrEnum):
    """The names are those of the audit."""

    RERUN = "rerun"
    PAUSE = "pause"
    RESUME = "resume"
    GIVE_UP = "give_up"
    CANCEL = "cancel"


# A duplicate may be tried again: the lead that came first may have ended unsold. A returned lead may be too: the buyers
# that returned it do not get it again.
RERUNNABLE: Final = (LeadStatus.FAILED, LeadStatus.PENDING, LeadStatus.DUPLICATE, LeadStatus.RETURNED)
NO_RERUN: Final = {
    LeadStatus.CALLING: "it is being verified by an outside service; wait until that ends",
    LeadStatus.GATED: "it waits for its verification",
    LeadStatus.OFFERED: "it is offered to buyers; wait for the window's end",
    LeadStatus.DISTRIBUTED: "it is sold",
    LeadStatus.EXPIRED: "it has expired",
    LeadStatus.CANCELLED: "it was cancelled",
}


def refusal_reason(action: Action, lead: Lead, *, at: datetime) -> str:
    """Why the action would be refused for this lead; "" when it would be done."""
    status = LeadStatus(lead.status)
    match action:
        case Action.RERUN:
            return _no_rerun(lead, at=at)
        case Action.PAUSE if status != LeadStatus.PENDING:
            return f"it does not wait to be sold: it is {status.label}"
        case Action.PAUSE if lead.paused_at is not None:
            return "it is paused already"
        case Action.RESUME if lead.paused_at is None:
            return "it is not paused"
        case Action.GIVE_UP if status != LeadStatus.PENDING:
            return f"it does not wait for a retry: it is {status.label}"
        case Action.GIVE_UP if not lead.attempts:
            return "it waits for its first attempt; cancel it instead"
        case Action.CANCEL if status not in UNFINISHED:
            return f"it is finished: {status.label}"
    return ""


def _no_rerun(lead: Lead, *, at: datetime) -> str:
    if lead.status not in RERUNNABLE:
        return NO_RERUN[LeadStatus(lead.status)]
    if lead.paused_at is not None:
        return "it is paused; resume it first"
    return NO_RERUN[LeadStatus.EXPIRED] if lead.expires_at <= at else ""
