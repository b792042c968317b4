"""Finds the rows of a lead by its public id. It is looked up first: an OR over joined tables would read every row."""

from uuid import UUID

from django.db.models import Q

from routing.models import Lead
from tracing.parsing import parse_uuid


def find_leads(public_id: UUID) -> list[int]:
    """The numeric id, or nothing."""
    return list(Lead.objects.filter(public_id=public_id).values_list("pk", flat=True))


def find_of_lead_or_own(text: str) -> Q:
    """For rows with a public id of their own."""
    public_id = parse_uuid(text)
    if public_id is None:
        return Q(pk__in=[])
    leads = find_leads(public_id)
    return Q(lead_id__in=leads) if leads else Q(public_id=public_id)
