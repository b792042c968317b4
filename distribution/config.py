"""Campaign definitions: read in one statement, compiled once per version, kept for each version an attempt used.

The version comes from the database with every attempt, so a cached compilation can be old but never stale.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from django.db import connection, connections, transaction

from distribution.engine import CampaignHead, CompiledCampaign, compile_campaign
from distribution.locating import locate_area

HEADS: Final = """
SELECT id, config_version, source_id, vertical, priority
FROM distribution_campaign
WHERE workspace_id = %s AND active AND vertical IN ('', %s)
"""

# One statement, one snapshot: a definition never mixes two versions.
DEFINITION: Final = """
SELECT c.config_version, jsonb_build_object(
    'campaign', jsonb_build_object(
        'id', c.id, 'config_version', c.config_version, 'mode', c.mode, 'price_cents', c.price_cents,
        'max_buyers', c.max_buyers, 'timezone', c.timezone, 'schedule', c.schedule,
        'price_rules', c.price_rules, 'questions', c.questions
    ),
    'tiers', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'id', t.id, 'position', t.position, 'content_filter', t.content_filter, 'price_cents', t.price_cents
        ) ORDER BY t.position)
        FROM distribution_tier t WHERE t.campaign_id = c.id
    ), '[]'),
    'enrollments', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'id', e.id, 'tier_id', e.tier_id, 'buyer_id', e.buyer_id, 'active', e.active, 'weight', e.weight,
            'priority', e.priority, 'bid_cents', e.bid_cents, 'lead_filter', e.lead_filter,
            'caps', jsonb_build_object(
                'hour', e.cap_hour, 'day', e.cap_day, 'week', e.cap_week, 'month', e.cap_month),
            'budgets', jsonb_build_object(
                'hour', e.budget_hour_cents, 'day', e.budget_day_cents,
                'week', e.budget_week_cents, 'month', e.budget_month_cents)
        ) ORDER BY e.id)
        FROM distribution_enrollment e WHERE e.campaign_id = c.id AND e.archived_at IS NULL
    ), '[]'),
    'buyers', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'id', b.id, 'active', b.paused_at IS NULL, 'timezone', b.timezone, 'hours', b.hours,
            'answers', b.answers, 'service_area', b.service_area
        ) ORDER BY b.id)
        FROM distribution_enrollment e JOIN distribution_buyer b ON b.id = e.buyer_id
        WHERE e.campaign_id = c.id AND e.archived_at IS NULL
    ), '[]')
)::text
FROM distribution_campaign c
WHERE c.id = %s
"""

KEEP_SNAPSHOT: Final = """
INSERT INTO distribution_campaignsnapshot (campaign_id, config_version, config, actor)
VALUES (%s, %s, %s::jsonb, '')
ON CONFLICT (campaign_id, config_version) DO NOTHING
"""

MAX_CACHED: Final = 500


class UnknownCampaign(LookupError):
    """No campaign has this id."""


class CampaignCache:
    """Compiled campaigns of this process, least recently used dropped first."""

    def __init__(self, size: int = MAX_CACHED) -> None:
        self._size = size
        self._compiled: OrderedDict[int, CompiledCampaign] = OrderedDict()
        # Definitions whose snapshot no commit of this process has kept yet.
        self._unkept: OrderedDict[tuple[int, int], str] = OrderedDict()

    def get(self, campaign_id: int, *, config_version: int) -> CompiledCampaign:
        """Return the campaign compiled at `config_version` or, if it changed meanwhile, at a newer one.

        Needs the attempt's transaction: a snapshot that is not kept yet is written in it.
        Raises UnknownCampaign, and DefinitionError for a configuration that does not compile.
        """
        compiled = self._compiled.get(campaign_id)
        if compiled is None or compiled.config_version != config_version:
            compiled = self._load(campaign_id)
        with suppress(KeyError):  # another thread dropped it meanwhile
            self._compiled.move_to_end(campaign_id)
        self.keep_snapshot(compiled)
        return compiled

    def keep_snapshot(self, campaign: CompiledCampaign, *, using: str = "default") -> None:
        """Write the snapshot of a campaign from this cache unless an earlier commit kept it. Needs a transaction."""
        version = (campaign.id, campaign.config_version)
        definition = self._unkept.get(version)
        if definition is None:
            return
        with connections[using].cursor() as cursor:
            cursor.execute(KEEP_SNAPSHOT, [*version, definition])
        # Only a commit makes it kept: after a rollback it is written again.
        transaction.on_commit(lambda: self._unkept.pop(version, None), using=using, robust=True)

    def clear(self) -> None:
        """Forget everything; the next attempt reads from the database."""
        self._compiled.clear()
        self._unkept.clear()

    def _load(self, campaign_id: int) -> CompiledCampaign:
        definition = read_definition(campaign_id)
        compiled = compile_campaign(definition)
        self._unkept[campaign_id, compiled.config_version] = json.dumps(definition)
        self._compiled[campaign_id] = compiled
        for kept in (self._compiled, self._unkept):
            while len(kept) > self._size:
                kept.popitem(last=False)
        return compiled


CAMPAIGNS: Final = CampaignCache()


def read_heads(*, workspace_id: int, vertical: str) -> tuple[Sequence[CampaignHead], Mapping[int, int]]:
    """Return the active campaigns of a workspace that could take this vertical, and their versions by id."""
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [workspace_id, vertical])
        rows = cursor.fetchall()
    heads = [CampaignHead(id=row[0], source_id=row[2], vertical=row[3], priority=row[4]) for row in rows]
    return heads, {row[0]: row[1] for row in rows}


def read_definition(campaign_id: int) -> dict[str, Any]:
    """Return a campaign's definition as it is now, with the coordinates of every radius. Raises UnknownCampaign."""
    with connection.cursor() as cursor:
        cursor.execute(DEFINITION, [campaign_id])
        row = cursor.fetchone()
    if row is None:
        message = f"no campaign has the id {campaign_id}"
        raise UnknownCampaign(message)
    definition: dict[str, Any] = json.loads(row[1])
    for buyer in definition["buyers"]:
        buyer["service_area"] = locate_area(buyer["service_area"])
    return definition
