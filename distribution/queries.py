"""Reads of distribution for API, admin and commands."""

from collections.abc import Sequence

from django.db.models import Q, QuerySet

from distribution.config import read_heads
from distribution.engine import resolve_campaign
from distribution.models import Buyer, Enrollment
from routing.models import Lead
from tracing.parsing import parse_id, parse_uuid


def find_buyers(text: str, *, workspace_id: int, limit: int = 10) -> Sequence[Buyer]:
    """Return the buyers that `text` names: a public id, an id, or a name in any case. No more than `limit`.

    A name is looked for in the workspace first, and everywhere only when it has none of that name.
    """
    buyers = Buyer.objects.select_related("workspace").order_by("pk")
    public_id = parse_uuid(text)
    if public_id is not None:
        return list(buyers.filter(public_id=public_id))
    named = Q(name__iexact=text)
    row_id = parse_id(text)
    if row_id is not None:
        named |= Q(pk=row_id)
    here = list(buyers.filter(named, workspace_id=workspace_id)[:limit])
    return here or list(buyers.filter(named)[:limit])


def enrollments_for(lead: Lead) -> QuerySet[Enrollment]:
    """The enrollments of the campaign that takes this lead now, by the buyers' names; none without a campaign."""
    heads, _ = read_heads(workspace_id=lead.workspace_id, vertical=lead.vertical)
    head = resolve_campaign(heads, source_id=lead.source_id, vertical=lead.vertical)
    enrollments = Enrollment.objects.select_related("buyer").order_by("buyer__name")
    return enrollments.none() if head is None else enrollments.filter(campaign_id=head.id)
