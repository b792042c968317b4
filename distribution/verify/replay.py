"""Invariant 7: the engine, run again on an attempt's snapshot and facts, makes the same decision.

If a fact was recorded as text, a different decision is counted but is not a breach.

The check compares selected buyers with price and rank, skipped buyers with their reason, the funnel and the verdict. It
does not compare the gates' sentences, whose wording may change.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from distribution.engine import (
    CompiledCampaign,
    Decision,
    DecisionFacts,
    DefinitionError,
    FactsError,
    NotRepeatable,
    OtherEngine,
    compile_campaign,
    decide,
    facts_from_json,
)
from distribution.models import read_snapshot
from distribution.verify.findings import Findings, Note
from distribution.verify.pools import ENDS_AS_SOLD
from distribution.verify.reading import stream
from distribution.verify.slices import Slice, in_attempts
from routing.version_cache import VersionCache
from tracing.models import AttemptResult
from tracing.plainvalues import AS_TEXT
from tracing.wording import count

MAX_COMPILED: Final = 256
# By campaign and version.
Campaigns: TypeAlias = VersionCache[tuple[int | None, int | None], CompiledCampaign]

# Whether a buyer's system accepted the lead: an attempt that records its answer decides nothing.
ANSWERED: Final = """
EXISTS (
    SELECT FROM distribution_assignment d
    WHERE d.lead_id = a.lead_id AND d.state IN ('sold', 'returned') AND d.settled_at IS NOT NULL
)
"""

OPENINGS: Final = "('ping_post_opened', 'auction_opened')"

# Ordered by version, so a slice compiles each snapshot once. LATERAL reads the events of each attempt by index: a join
# could use a bad nested loop (see reading.no_nested_loops), and without nested loops PostgreSQL may read all leads.
ATTEMPTS: Final = f"""
SELECT a.id, a.campaign_id, a.config_version, a.result, a.skip_reason, a.next_attempt_at, l.expires_at,
    a.facts::text, traced.steps
FROM tracing_attempt a
LEFT JOIN routing_lead l ON l.id = a.lead_id
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(
        CASE e.event WHEN 'auction_opened' THEN 'ping_post_opened' ELSE e.event END,
        e.buyer_id, e.cost_cents, e.skip_reason, e.data -> 'enrollment_id', e.data -> 'tier_id',
        e.data -> 'rank', CASE
            WHEN e.event = 'buyer_pool_composed' THEN e.data -> 'funnel'
            WHEN e.event IN {OPENINGS} THEN (
                SELECT jsonb_agg(jsonb_build_array(
                    shown.one -> 'buyer_id', shown.one -> 'enrollment_id', shown.one -> 'price_cents'
                )) FROM jsonb_array_elements(e.data -> 'shown') AS shown(one)
            ) END
    ) ORDER BY e.seq)::text AS steps
    FROM tracing_leaddistributionevent e
    WHERE e.attempt_id = a.id
        AND e.event IN ('buyer_pool_composed', 'buyer_skipped', 'buyer_selected', 'ping_post_opened', 'auction_opened')
) traced ON true
WHERE {in_attempts("a.id", "a.lead_id")} AND (
    a.facts <> '{{}}' OR traced.steps IS NOT NULL
    OR (a.result = 'success' AND a.trigger <> 'offer_closed' AND NOT {ANSWERED} AND NOT {ENDS_AS_SOLD})
)
ORDER BY a.campaign_id, a.config_version, a.id
"""  # noqa: S608 - only conditions are put in


@dataclass(frozen=True, slots=True)
class Recorded:
    """An attempt as recorded in its trace."""

    id: UUID
    campaign_id: int | None
    config_version: int | None
    result: str
    skip_reason: str
    next_attempt_at: datetime | None
    expires_at: datetime | None
    facts: dict[str, Any]
    steps: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Decided:
    """What an attempt decided on."""

    campaign: CompiledCampaign
    facts: DecisionFacts

    @property
    def is_held(self) -> bool:
        is_on_acceptance = self.campaign.sells_on == "acceptance" and self.facts.chosen is None
        return is_on_acceptance and self.facts.phase in ("push", "bids")

    @property
    def is_sold_before(self) -> bool:
        """Whether buyers have accepted or claimed the lead while others may still get it."""
        asks = self.campaign.sells_on == "acceptance" or self.campaign.mode in ("ping_post", "auction")
        return asks and self.facts.lead.sold_count > 0


OTHER_ENGINE_NOTE: Final = Note(
    "decision of another engine version was not replayed",
    "decisions of another engine version were not replayed",
)
AS_TEXT_NOTE: Final = Note(
    "decision on values recorded as text could not be replayed",
    "decisions on values recorded as text could not be replayed",
)


def check(part: Slice, findings: Findings) -> None:
    """Skips attempts without a decision: no campaign, an expired lead, or an internal error."""
    campaigns = _campaigns_of(part.at)
    for row in stream(ATTEMPTS, part):
        recorded = _read(row)
        try:
            difference = _compare(recorded, *_decide_again(recorded, campaigns))
        except OtherEngine:
            findings.noted[OTHER_ENGINE_NOTE] += 1
            continue
        except NotRepeatable as error:
            difference = str(error)
        if difference and AS_TEXT in recorded.facts:
            findings.noted[AS_TEXT_NOTE] += 1
            continue
        findings.checked += 1
        if difference:
            findings.add(f"attempt {recorded.id}", difference)


def _read(row: tuple[Any, ...]) -> Recorded:
    (
        attempt_id,
        campaign_id,
        config_version,
        result,
        reason,
        next_attempt_at,
        expires_at,
        facts,
        steps,
    ) = row
    return Recorded(
        id=attempt_id,
        campaign_id=campaign_id,
        config_version=config_version,
        result=result,
        skip_reason=reason,
        next_attempt_at=next_attempt_at,
        expires_at=expires_at,
        facts=json.loads(facts),
        steps=json.loads(steps or "[]"),
    )


@lru_cache(maxsize=1)
def _campaigns_of(_: datetime) -> Campaigns:
    """The compiled campaigns of one run, shared by its slices."""
    return VersionCache(MAX_COMPILED)


def _find_campaign(recorded: Recorded, campaigns: Campaigns) -> CompiledCampaign:
    version = (recorded.campaign_id, recorded.config_version)
    return campaigns.find(version) or campaigns.store(version, _compile(*version))


def _compile(campaign_id: int | None, config_version: int | None) -> CompiledCampaign:
    name = f"version {config_version} of campaign {campaign_id}"
    definition = read_snapshot(campaign_id, config_version=config_version)
    if definition is None:
        message = f"used {name}, which has no snapshot"
        raise NotRepeatable(message)
    try:
        return compile_campaign(definition)
    except DefinitionError as error:
        message = f"used {name}, whose snapshot does not compile: {error}"
        raise NotRepeatable(message) from error


def _decide_again(recorded: Recorded, campaigns: Campaigns) -> tuple[Decided, Decision]:
    if not recorded.facts:
        message = "decided on a pool but recorded no facts"
        raise NotRepeatable(message)
    campaign = _find_campaign(recorded, campaigns)
    try:
        facts = facts_from_json(recorded.facts)
        return Decided(campaign, facts), decide(campaign, facts)
    except OtherEngine:
        raise
    except (FactsError, KeyError, TypeError, ValueError, AttributeError) as error:
        # The error's text may contain a fact, so only its type is shown.
        message = f"its facts cannot be replayed ({type(error).__name__})"
        raise NotRepeatable(message) from error


def _compare(recorded: Recorded, decided: Decided, decision: Decision) -> str | None:
    """Return the first difference, or None."""
    steps = _steps(decision)
    for was, now in zip(recorded.steps, steps, strict=False):
        if was != now:
            return f"recorded {_describe(was)}, now decides {_describe(now)}"
    if len(recorded.steps) != len(steps):
        return f"recorded {count(len(recorded.steps), 'step')} of the pool, now decides {len(steps)}"
    return _compare_verdict(recorded, decided, decision)


def _steps(decision: Decision) -> list[list[Any]]:
    """The steps that distribution.attempts.trace writes for a decision, in order."""
    if not decision.prices:
        return []  # the decision was made before a pool was composed
    funnel = [list(stage) for stage in decision.funnel]
    steps: list[list[Any]] = [["buyer_pool_composed", None, None, "", None, None, None, funnel]]
    for skip in decision.skipped:
        what = [skip.buyer_id, skip.price_cents, skip.reason, skip.enrollment_id, None, skip.data.get("rank")]
        steps.append(["buyer_skipped", *what, None])
    for chosen in decision.selected:
        what = [chosen.buyer_id, chosen.price_cents, "", chosen.enrollment_id, chosen.tier_id, chosen.rank]
        steps.append(["buyer_selected", *what, None])
    if decision.offered:
        shown = [[each.buyer_id, each.enrollment_id, each.price_cents] for each in decision.offered]
        steps.append(["ping_post_opened", None, None, "", None, None, None, shown])
    return steps


def _describe(step: list[Any]) -> str:
    event, buyer_id, cost_cents, reason = step[:4]
    if event == "buyer_pool_composed":
        return "a pool with a different funnel"
    if event == "ping_post_opened":
        return "an offer to other buyers or for other prices"
    return " ".join(
        str(part) for part in (event, "buyer", buyer_id, f"at {cost_cents} cents", reason)
    ).strip()


def _compare_verdict(recorded: Recorded, decided: Decided, decision: Decision) -> str | None:
    verdict = decision.verdict
    if verdict is None:
        results, reason = {_result_of(decided, decision)}, ""
    elif decided.is_sold_before and verdict.retry_class != "transient":
        # Buyers have accepted the lead, and no other gets it now.
        return (
            None
            if recorded.result == AttemptResult.SUCCESS
            else f"recorded {recorded.result}, now decides success"
        )
    else:
        is_gated = decision.outcome == "gated"
        results = {AttemptResult.GATED} if is_gated else _RESULTS[verdict.retry_class]
        reason = verdict.reason
    if recorded.result not in results or recorded.skip_reason != reason:
        decides = f"{'/'.join(sorted(results))} {reason}".strip()
        return f"recorded {recorded.result} {recorded.skip_reason}".strip() + f", now decides {decides}"
    retry_at = verdict.retry_at if verdict is not None else None
    # A due time is never after the lead's expiry.
    if retry_at is not None and recorded.next_attempt_at not in (retry_at, recorded.expires_at):
        return f"was rescheduled to {recorded.next_attempt_at}, now decides {retry_at}"
    return None


def _result_of(decided: Decided, decision: Decision) -> AttemptResult:
    """Of a decision that found buyers."""
    if decision.offered:
        return AttemptResult.OFFERED
    return AttemptResult.POSTING if decided.is_held else AttemptResult.SUCCESS


_RESULTS: Final = {
    "permanent": {AttemptResult.UNSOLD},
    "deferred": {AttemptResult.DEFERRED},
    "transient": {AttemptResult.RETRY, AttemptResult.FAILED},
}
