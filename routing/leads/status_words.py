"""The status of a lead in words."""

from typing import Final

from routing.models import LeadStatus

DECLINED: Final = "verification_declined"
# Failed, and nobody can do anything about it.
NOT_WANTED: Final = "not sold: the person declined"


def describe_status(status: str, *, reason: str) -> str:
    """`reason`: of its latest attempt."""
    if status == LeadStatus.FAILED and reason == DECLINED:
        return NOT_WANTED
    return LeadStatus(status).label
