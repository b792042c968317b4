"""Who asked in a call not to be called again: such a person is sold to nobody unless they are verified."""

from distribution.models import BlockedPhone
from routing.locks.attempts import LockedLead
from routing.models import LeadVerification


def has_opted_out(phone_hash: str | None, *, workspace_id: int) -> bool:
    blocked = BlockedPhone.objects.filter(workspace_id=workspace_id, is_opt_out=True)
    return phone_hash is not None and blocked.filter(phone_hash=phone_hash).exists()


def read_verification(lead: LockedLead) -> str:
    """That of the lead. If it could not be verified, its person may have opted out since, in a call of another lead."""
    is_unverified = lead.verification == LeadVerification.UNVERIFIED
    if is_unverified and has_opted_out(lead.phone_hash, workspace_id=lead.workspace_id):
        return LeadVerification.DECLINED
    return lead.verification
