"""Chooses the campaign for a lead: the most specific one, then the higher priority, then the lower id."""

from collections.abc import Sequence

from distribution.engine.types import CampaignHead


def resolve_campaign(
    heads: Sequence[CampaignHead], *, source_id: int | None, vertical: str | None
) -> CampaignHead | None:
    """A campaign for one source is preferred to one for a vertical: a source is more specific."""
    matching = (head for head in heads if _takes(head, source_id=source_id, vertical=vertical))
    return min(matching, key=_order, default=None)


def _takes(head: CampaignHead, *, source_id: int | None, vertical: str | None) -> bool:
    return head.source_id in (None, source_id) and (not head.vertical or head.vertical == vertical)


def _order(head: CampaignHead) -> tuple[bool, bool, int, int]:
    return (head.source_id is None, not head.vertical, -head.priority, head.id)
