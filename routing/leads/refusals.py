"""Which actions a lead allows, and why the others are refused. Pages check this before they offer an action."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from routing.models import UNFINISHED, Lead, LeadStatus, LeadVerification


class Action(StrEnum):
    """The names are those in audit entries."""

    RERUN = "rerun"
    PAUSE = "pause"
    RESUME = "resume"
    GIVE_UP = "give_up"
    CANCEL = "cancel"


DECLINED: Final = "the person said in a call that they do not want this"
POSTING: Final = "a buyer's system is deciding whether it accepts the lead; wait for its answer"
# A duplicate can run again, because the first lead may have ended unsold. So can a returned lead: the buyers that
# returned it do not get it again.
RERUNNABLE: Final = (LeadStatus.FAILED, LeadStatus.PENDING, LeadStatus.DUPLICATE, LeadStatus.RETURNED)
NO_RERUN: Final = {
    LeadStatus.CALLING: "its person is being called; wait until the call has ended",
    LeadStatus.GATED: "its person must be verified first",
    LeadStatus.OFFERED: "it is being offered to buyers; wait until the offer ends",
    LeadStatus.POSTING: POSTING,
    LeadStatus.DISTRIBUTED: "it is sold",
    LeadStatus.EXPIRED: "it has expired",
    LeadStatus.CANCELLED: "it was canceled",
}


def refusal_reason(action: Action, lead: Lead, *, at: datetime) -> str:
    """Why the action is refused for this lead; "" if it is allowed."""
    status = LeadStatus(lead.status)
    match action:
        case Action.RERUN:
            return _no_rerun(lead, at=at)
        case _ if status == LeadStatus.POSTING:
            return POSTING
        case Action.PAUSE if status != LeadStatus.PENDING:
            return f"it is not waiting to be sold: {status.label}"
        case Action.PAUSE if lead.paused_at is not None:
            return "it is already paused"
        case Action.RESUME if lead.paused_at is None:
            return "it is not paused"
        case Action.GIVE_UP if status != LeadStatus.PENDING:
            return f"it is not waiting for a retry: {status.label}"
        case Action.GIVE_UP if not lead.attempts:
            return "it is waiting for its first attempt; cancel it instead"
        case Action.CANCEL if status not in UNFINISHED:
            return f"it is finished: {status.label}"
        case Action.CANCEL if lead.is_partly_sold:
            return "a buyer has accepted it, so it is sold"
    return ""


def _no_rerun(lead: Lead, *, at: datetime) -> str:
    if lead.status not in RERUNNABLE:
        return NO_RERUN[LeadStatus(lead.status)]
    if lead.verification == LeadVerification.DECLINED:
        return DECLINED
    if lead.paused_at is not None:
        return "it is paused; resume it first"
    return NO_RERUN[LeadStatus.EXPIRED] if lead.expires_at <= at else ""
