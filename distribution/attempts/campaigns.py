"""Campaign definitions: read in one statement, compiled once per version, stored for each version an attempt used.

The version comes from the database with every attempt, so a cached compilation is never used for another version. The
snapshot is stored in a transaction of its own, so the first process to use a version does not block others
(decisions/0041).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from django.db import connection, connections, transaction

from distribution.configuration.locate import locate_area
from distribution.engine import CampaignHead, CompiledCampaign, compile_campaign
from distribution.models import read_snapshot
from routing.version_cache import VersionCache

HEADS: Final = """
SELECT id, config_version, source_id, vertical, priority
FROM distribution_campaign
WHERE workspace_id = %s AND active AND vertical IN ('', %s)
"""

# One statement, one snapshot: a definition never mixes two versions.
DEFINITION: Final = """
SELECT (
    SELECT s.config::text FROM distribution_campaignsnapshot s
    WHERE s.campaign_id = c.id AND s.config_version = c.config_version
), jsonb_build_object(
    'campaign', jsonb_build_object(
        'id', c.id, 'config_version', c.config_version, 'mode', c.mode, 'price_cents', c.price_cents,
        'max_buyers', c.max_buyers, 'sells_on', c.sells_on, 'post_deadline_seconds', c.post_deadline_seconds,
        'offer_seconds', c.offer_seconds, 'offer_fields', c.offer_fields, 'offer_fallback', c.offer_fallback,
        'fallback_mode', c.fallback_mode, 'bid_deadline_ms', c.bid_deadline_ms, 'reserve_cents', c.reserve_cents,
        'margin_bps', c.margin_bps, 'penalizes_returns', c.penalizes_returns,
        'verification', c.verification, 'consent_kind', c.consent_kind,
        'unverified_end', c.unverified_end, 'unverified_percent', c.unverified_percent,
        'timezone', c.timezone, 'schedule', c.schedule,
        'price_rules', c.price_rules, 'questions', c.questions
    ),
    'tiers', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'id', t.id, 'position', t.position, 'content_filter', t.content_filter, 'price_cents', t.price_cents,
            'head_start_seconds', t.head_start_seconds
        ) ORDER BY t.position)
        FROM distribution_tier t WHERE t.campaign_id = c.id
    ), '[]'),
    'enrollments', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'id', e.id, 'tier_id', e.tier_id, 'buyer_id', e.buyer_id, 'weight', e.weight,
            'active', e.active AND (e.paused_at IS NULL OR e.paused_until IS NOT NULL),
            'paused_until', e.paused_until,
            'paused_by', CASE WHEN NOT e.active THEN 'agency' WHEN e.paused_at IS NOT NULL THEN 'buyer' END,
            'priority', e.priority, 'bid_cents', e.bid_cents, 'margin_bps', e.margin_bps,
            'standing_bids', e.standing_bids, 'lead_filter', e.lead_filter,
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
            'id', b.id, 'active', b.paused_at IS NULL OR b.paused_until IS NOT NULL,
            'paused_until', b.paused_until,
            'paused_by', CASE WHEN b.is_paused_by_buyer THEN 'buyer' WHEN b.paused_at IS NOT NULL THEN 'agency' END,
            'timezone', b.timezone, 'hours', b.hours, 'answers', b.answers, 'service_area', b.service_area
        ) ORDER BY b.id)
        FROM distribution_enrollment e JOIN distribution_buyer b ON b.id = e.buyer_id
        WHERE e.campaign_id = c.id AND e.archived_at IS NULL
    ), '[]')
)::text
FROM distribution_campaign c
WHERE c.id = %s
"""

STORE_SNAPSHOT: Final = """
INSERT INTO distribution_campaignsnapshot (campaign_id, config_version, config, actor)
VALUES (%s, %s, %s::jsonb, '')
ON CONFLICT (campaign_id, config_version) DO NOTHING
"""


MAX_CACHED: Final = 500
# A campaign that is saved repeatedly may have a new version each time its snapshot is stored.
MAX_VERSIONS: Final = 3

Result = TypeVar("Result")


class UnknownCampaign(LookupError):
    """No campaign has this id."""


class SnapshotMissing(Exception):
    """The snapshot of this version may not be stored yet. Roll back, store it, and start again."""

    def __init__(self, campaign: CompiledCampaign) -> None:
        super().__init__(f"version {campaign.config_version} of campaign {campaign.id} has no snapshot yet")
        self.campaign = campaign


class CampaignCache:
    """Compiled campaigns of this process, least recently used dropped first."""

    def __init__(self, size: int = MAX_CACHED) -> None:
        self._compiled: VersionCache[int, CompiledCampaign] = VersionCache(size)
        # By campaign and version: which snapshots are known to be stored, and the definitions of the others.
        self._stored: VersionCache[tuple[int, int], bool] = VersionCache(size)
        self._unstored: VersionCache[tuple[int, int], str] = VersionCache(size)

    def get(self, campaign_id: int, *, config_version: int) -> CompiledCampaign:
        """Return the campaign compiled at `config_version` or, if it changed since, at a newer one.

        Writes nothing. A decision may be recorded only for a version that has_snapshot.
        Raises UnknownCampaign, and DefinitionError for a configuration that does not compile.
        """
        compiled = self._compiled.find(campaign_id)
        if compiled is None or compiled.config_version != config_version:
            compiled = self._load(campaign_id)
        return compiled

    def require_snapshot(self, campaign: CompiledCampaign) -> None:
        """Raise SnapshotMissing unless the snapshot of a campaign from this cache is stored. Runs no statement."""
        if not self.has_snapshot(campaign):
            raise SnapshotMissing(campaign)

    def has_snapshot(self, campaign: CompiledCampaign) -> bool:
        """Whether the snapshot of a campaign from this cache is known to be stored. Runs no statement."""
        return (campaign.id, campaign.config_version) in self._stored

    def store_snapshot(self, campaign: CompiledCampaign) -> None:
        """Store the snapshot of a campaign from this cache, unless it is known to be stored.

        Call it outside a transaction: the single statement then commits on the server even if this process dies, so no
        other process waits for it.
        """
        if self._write(campaign, using="default"):
            self._mark_stored((campaign.id, campaign.config_version))

    def store_snapshot_within(
        self, campaign: CompiledCampaign, *, using: str = "default"
    ) -> CompiledCampaign:
        """Do the same in an open transaction. Other processes that store this version wait until it ends.

        Returns the campaign as in the stored snapshot, which may be another process's.
        """
        version = (campaign.id, campaign.config_version)
        if self._write(campaign, using=using):
            # It is stored only after the commit. After a rollback it must be written again.
            transaction.on_commit(lambda: self._mark_stored(version), using=using, robust=True)
            return campaign
        cached = self._compiled.find(campaign.id)
        return cached if cached is not None and cached.config_version == version[1] else campaign

    def _write(self, campaign: CompiledCampaign, *, using: str) -> bool:
        """Return whether this call wrote the snapshot. If not, the cache now has what is stored."""
        version = (campaign.id, campaign.config_version)
        if version in self._stored:
            return False
        definition = self._unstored.find(version)
        if definition is None:  # evicted from the cache: read it again
            self._compiled.drop(campaign.id)
            return False
        with connections[using].cursor() as cursor:
            cursor.execute(STORE_SNAPSHOT, [*version, definition])
            if cursor.rowcount:
                return True
        # A process with other ZIP code tables may have stored a different one. That one is the definition.
        stored = read_snapshot(campaign.id, config_version=campaign.config_version, using=using)
        assert stored is not None  # noqa: S101 - the statement above found it, and snapshots are append-only
        self._store(version, compile_campaign(stored), unstored=None)
        return False

    def clear(self) -> None:
        """Forget everything; the next attempt reads from the database."""
        self._compiled.clear()
        self._stored.clear()
        self._unstored.clear()

    def _load(self, campaign_id: int) -> CompiledCampaign:
        stored, definition = read_definition(campaign_id)
        compiled = compile_campaign(stored or definition)
        version = (campaign_id, compiled.config_version)
        self._store(version, compiled, unstored=None if stored else json.dumps(definition))
        return compiled

    def _store(self, version: tuple[int, int], compiled: CompiledCampaign, *, unstored: str | None) -> None:
        if unstored is None:
            self._mark_stored(version)
        else:
            self._unstored.store(version, unstored)
        self._compiled.store(compiled.id, compiled)

    def _mark_stored(self, version: tuple[int, int]) -> None:
        self._unstored.drop(version)
        self._stored.store(version, value=True)


CAMPAIGNS: Final = CampaignCache()


def run_with_snapshots(work: Callable[[], Result]) -> Result:
    """Run `work`, and run it again after each SnapshotMissing. `work` opens and ends its own transaction.

    The snapshot is stored between two runs, when nothing is locked. Needs no open transaction. Raises SnapshotMissing
    if the campaign changes more than MAX_VERSIONS times.
    """
    for _ in range(MAX_VERSIONS):
        try:
            return work()
        except SnapshotMissing as missing:
            CAMPAIGNS.store_snapshot(missing.campaign)
    return work()


def read_heads(*, workspace_id: int, vertical: str) -> tuple[Sequence[CampaignHead], Mapping[int, int]]:
    """Return the active campaigns of a workspace that could take this vertical, and their versions by id."""
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [workspace_id, vertical])
        rows = cursor.fetchall()
    heads = [
        CampaignHead(id=campaign_id, source_id=source_id, vertical=vertical, priority=priority)
        for campaign_id, _, source_id, vertical, priority in rows
    ]
    return heads, {campaign_id: config_version for campaign_id, config_version, *_ in rows}


def read_definition(campaign_id: int) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the stored snapshot of the version, or None, and the definition with the places this process looks up.

    Raises UnknownCampaign.
    """
    with connection.cursor() as cursor:
        cursor.execute(DEFINITION, [campaign_id])
        row = cursor.fetchone()
    if row is None:
        message = f"no campaign has the id {campaign_id}"
        raise UnknownCampaign(message)
    stored_text, definition_text = row
    definition: dict[str, Any] = json.loads(definition_text)
    for buyer in definition["buyers"]:
        buyer["service_area"] = locate_area(buyer["service_area"])
    return None if stored_text is None else json.loads(stored_text), definition


def find_other_places() -> Iterator[int]:
    """Yield campaigns whose stored version has other ZIP code locations than this process looks up."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM distribution_campaign ORDER BY id")
        ids = [campaign_id for (campaign_id,) in cursor.fetchall()]
    for campaign_id in ids:
        stored, definition = read_definition(campaign_id)
        if stored is not None and _places(stored) != _places(definition):
            yield campaign_id


def _places(definition: Mapping[str, Any]) -> list[Any]:
    """The areas of all buyers, with coordinates, as JSON values."""
    areas: list[Any] = json.loads(json.dumps([each["service_area"] for each in definition["buyers"]]))
    return areas


RAISE_VERSION: Final = "UPDATE distribution_campaign SET config_version = config_version + 1 WHERE id = %s"


def raise_version(campaign_id: int) -> None:
    """Make every process look up places again. The campaign's next attempt stores a new snapshot."""
    with connection.cursor() as cursor:
        cursor.execute(RAISE_VERSION, [campaign_id])
