"""Answers "what would this change have won?": replays the leads that a buyer missed in 30 days. Writes nothing.

The work is bounded by leads and by time, and the answer says how many leads it covers.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from distribution.configuration.locate import locate_area
from distribution.engine import (
    CompiledCampaign,
    DefinitionError,
    FactsError,
    compile_campaign,
    facts_from_json,
)
from distribution.explain.missed_attempts import MissedAttempt, list_missed_attempts
from distribution.explain.missed_shown import count_shown
from distribution.explain.remedy.replaying import (
    Replayed,
    SettingChanges,
    UsedUp,
    change_world,
    find_enrollment,
    replay,
)
from distribution.explain.remedy.world import World
from distribution.models import Buyer, Enrollment, read_snapshot
from distribution.selfservice.effect import Effect, LeftOut, NotReplayed, WonLead
from distribution.selfservice.merging import flatten
from distribution.selfservice.rebidding import DECIDED_BY_BID, Rebid, Rebidder
from distribution.selfservice.replayed_leads import ReplayedLeads
from distribution.selfservice.resolve import Resolved, resolve
from distribution.selfservice.settings import (
    ANSWERS,
    AREA,
    ENROLLMENT,
    HOURS,
    PAUSE,
    PAUSED,
    PAUSED_UNTIL,
    PERIODS,
    PROFILE,
    Part,
)
from distribution.slow_work import REPLAYS
from routing.models import Lead
from tracing.models import Attempt

DAYS: Final = 30
MOST_LEADS: Final = 1_000
MOST_SECONDS: Final = 2.0
BATCH: Final = 100
MOST_EXAMPLES: Final = 20
# Of the buyer's row: the columns, and their keys in a definition.
OF_BUYER: Final = ("timezone", "service_area", "hours", "answers")
OF_PLACE: Final = ("bid_cents", "standing_bids", "lead_filter")
PARTS_OF_BUYER: Final = (PROFILE, AREA, HOURS, ANSWERS, PAUSE)


@dataclass(frozen=True, slots=True)
class Proposed:
    """A change, by part of the account and by enrollment, as the buyer sends it."""

    account: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    enrollments: Sequence[tuple[Enrollment, Mapping[str, Any]]] = ()


def assess_change(buyer: Buyer, proposed: Proposed, *, at: datetime) -> Effect:
    """Validate the change as if it were made, and replay with it. Raises FieldsRefused, ChangeRefused, TooBusy.

    `buyer` and the enrollments are changed in memory, and must not be saved.
    """
    changes = read_changes(buyer, proposed, at=at)
    with REPLAYS.take():
        return replay_missed(buyer, changes, at=at)


def read_changes(buyer: Buyer, proposed: Proposed, *, at: datetime) -> SettingChanges:
    """What changes in the definitions. Raises FieldsRefused, ChangeRefused."""
    own: dict[str, Any] = {}
    for part in PARTS_OF_BUYER:
        if part.name in proposed.account:
            resolved = resolve(buyer, part=part, patch=proposed.account[part.name], at=at)
            own |= _of_buyer(buyer, part, _name_columns(part, proposed.account[part.name], resolved))
    places = {
        place.campaign_id: _of_enrollment(
            place, _name_columns(ENROLLMENT, patch, resolve(place, part=ENROLLMENT, patch=patch, at=at))
        )
        for place, patch in proposed.enrollments
    }
    return SettingChanges(own, {campaign_id: each for campaign_id, each in places.items() if each})


def _name_columns(part: Part, patch: Mapping[str, Any], resolved: Resolved) -> frozenset[str]:
    """Also those that already have their value: leads were missed before they had it."""
    sent = dict(flatten(patch, groups=part.groups))
    named = {setting.column for path, setting in part.settings.items() if path in sent}
    paused = part.pause_columns if sent.keys() & {PAUSED, PAUSED_UNTIL} else ()
    return frozenset({*resolved.columns, *named, *paused})


def _of_buyer(buyer: Buyer, part: Part, columns: Collection[str]) -> dict[str, Any]:
    changed = {name: getattr(buyer, name) for name in OF_BUYER if name in columns}
    if "service_area" in changed:
        changed["service_area"] = locate_area(changed["service_area"])
    return {**changed, **_pause_of(buyer, columns)} if part is PAUSE else changed


def _of_enrollment(place: Enrollment, columns: Collection[str]) -> dict[str, Any]:
    plain = {name: getattr(place, name) for name in OF_PLACE if name in columns}
    caps = {each: getattr(place, f"cap_{each}") for each in PERIODS if f"cap_{each}" in columns}
    budgets = {
        each: getattr(place, f"budget_{each}_cents") for each in PERIODS if f"budget_{each}_cents" in columns
    }
    groups = {name: each for name, each in (("caps", caps), ("budgets", budgets)) if each}
    return {**plain, **groups, **(_pause_of(place, columns))}


def _pause_of(row: Buyer | Enrollment, columns: Collection[str]) -> dict[str, Any]:
    """As if it had been so all the time: a pause wins nothing, and no pause is none."""
    return {"active": row.paused_at is None, "paused_until": None} if "paused_at" in columns else {}


def replay_missed(buyer: Buyer, changes: SettingChanges, *, at: datetime) -> Effect:
    """In the order in which the leads came, so that a win uses up what later leads need."""
    effect = Effect(since=at - timedelta(days=DAYS), until=at)
    found = list_missed_attempts(buyer, since=effect.since, limit=MOST_LEADS + 1)
    newest = found[:MOST_LEADS]
    effect.missed = len(newest)
    if len(found) > MOST_LEADS:
        effect.left_out.append(LeftOut("older", None, until=newest[-1].decided_at))
    _replay_all(effect, list(reversed(newest)), _Worlds(buyer.pk, changes))
    effect.left_out += [LeftOut(why, leads) for why, leads in effect.not_replayed.items()]
    _leave_out_shown(effect, count_shown(buyer, since=effect.since, limit=MOST_LEADS + 1))
    return _name_examples(effect)


def _leave_out_shown(effect: Effect, shown: int) -> None:
    """Nobody knows whether it would have claimed these leads, or faster."""
    effect.missed += min(shown, MOST_LEADS)
    if shown:
        effect.left_out.append(LeftOut("shown", shown if shown <= MOST_LEADS else None))


def _replay_all(effect: Effect, attempts: Sequence[MissedAttempt], worlds: "_Worlds") -> None:
    deadline, used_up = time.monotonic() + MOST_SECONDS, UsedUp()
    for number, (missed, facts, leads) in enumerate(_with_facts(attempts)):
        if time.monotonic() > deadline:
            effect.left_out.append(LeftOut("time_over", len(attempts) - number, since=missed.decided_at))
            return
        _note(effect, missed, worlds.replay(missed, facts, leads, used_up))


def _with_facts(attempts: Sequence[MissedAttempt]) -> Iterator[tuple[MissedAttempt, Any, ReplayedLeads]]:
    for start in range(0, len(attempts), BATCH):
        batch = attempts[start : start + BATCH]
        facts = dict(
            Attempt.objects.filter(pk__in=[each.attempt_id for each in batch]).values_list("pk", "facts")
        )
        leads = ReplayedLeads([each.lead_id for each in batch])
        yield from ((each, facts.get(each.attempt_id), leads) for each in batch)


class _Worlds:
    """The changed campaign of each recorded version, compiled once."""

    def __init__(self, buyer_id: int, changes: SettingChanges) -> None:
        self._buyer_id, self._changes = buyer_id, changes
        self._rebidder = Rebidder(buyer_id)
        self._known: dict[tuple[int, int], _Changed | None] = {}

    def replay(
        self, missed: MissedAttempt, facts: Any, leads: ReplayedLeads, used_up: UsedUp
    ) -> Replayed | NotReplayed:
        changed = self._find(missed.campaign_id, missed.config_version)
        if changed is None or not facts:
            return "unreadable"
        try:
            recorded = leads.complete(facts_from_json(facts), missed.lead_id, fields=changed.new_fields)
            rebid = self._rebidder.bid(
                recorded,
                enrollment_id=changed.enrollment_id,
                was=changed.was,
                changed=changed.campaign,
                was_asked=lambda: leads.was_asked(missed.lead_id, enrollment_id=changed.enrollment_id),
            )
            return _decide_again(changed, rebid, used_up)
        except (FactsError, LookupError, TypeError, ValueError, AttributeError):
            return "unreadable"

    def _find(self, campaign_id: int, version: int) -> "_Changed | None":
        key = (campaign_id, version)
        if key not in self._known:
            self._known[key] = self._compile(campaign_id, version)
        return self._known[key]

    def _compile(self, campaign_id: int, version: int) -> "_Changed | None":
        definition = read_snapshot(campaign_id, config_version=version)
        enrollment_id = None if definition is None else find_enrollment(definition, buyer_id=self._buyer_id)
        if definition is None or enrollment_id is None:
            return None
        recorded = World(definition, _NO_FACTS, enrollment_id)
        changed = change_world(recorded, self._changes, campaign_id=campaign_id)
        try:
            campaign = compile_campaign(changed.definition)
            return _Changed(campaign, recorded.campaign, enrollment_id)
        except DefinitionError:
            return None


_NO_FACTS: Final[Any] = None


@dataclass(frozen=True, slots=True)
class _Changed:
    """The campaign with the change, and without it."""

    campaign: CompiledCampaign
    was: CompiledCampaign
    enrollment_id: int

    @property
    def new_fields(self) -> frozenset[str]:
        """What the changed campaign reads of a lead and the recorded one did not."""
        return self.campaign.fields - self.was.fields


def _decide_again(changed: _Changed, rebid: Rebid, used_up: UsedUp) -> Replayed | NotReplayed:
    """A lead that a doubtful bid would win uses up nothing."""
    used = used_up if rebid.is_certain else UsedUp(used_up.spent_cents, dict(used_up.usage))
    result = replay(changed.campaign, rebid.facts, enrollment_id=changed.enrollment_id, used_up=used)
    is_known = rebid.is_certain or result.reason not in DECIDED_BY_BID
    return result if is_known else "unknown_bid"


def _note(effect: Effect, missed: MissedAttempt, result: Replayed | NotReplayed) -> None:
    if not isinstance(result, Replayed):
        effect.not_replayed[result] += 1
        return
    effect.checked += 1
    if result.reason:
        effect.remaining[result.reason] += 1
        return
    effect.prices_cents.append(result.price_cents)
    effect.wins.append((missed, result.price_cents))


def _name_examples(effect: Effect) -> Effect:
    """The newest wins, with their leads' places, which are read for all of them at once."""
    newest = effect.wins[: -MOST_EXAMPLES - 1 : -1]
    leads = Lead.objects.only("public_id", "zip", "state").in_bulk([missed.lead_id for missed, _ in newest])
    effect.examples = [
        WonLead(lead.public_id, lead.zip, lead.state, missed.decided_at, price_cents, missed.reason)
        for missed, price_cents in newest
        if (lead := leads.get(missed.lead_id)) is not None
    ]
    return effect
