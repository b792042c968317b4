"""An operator takes a lead back."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from distribution.models import Assignment
from distribution.returns.by_hand import return_by_hand


def return_assignment(public_id: UUID, *, actor: str, reason: str, at: datetime | None = None) -> Assignment:
    """Return the assignment as it is afterwards. `at` None: now."""
    assignment = Assignment.objects.get(public_id=public_id)
    return_by_hand(assignment, actor=actor, reason=reason, at=at or timezone.now())
    return Assignment.objects.select_related("campaign", "buyer").get(pk=assignment.pk)
