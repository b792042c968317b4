"""Finds changes that would have ranked an outranked enrollment high enough. The engine tries each. Pure.

A required bid or priority reveals that of the selected buyer, so it is for the agency and not for other buyers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from distribution.engine import CompiledEnrollment, price_to_keep
from distribution.engine.bids import bid_to_reach
from distribution.explain.remedy.fix_all import fix_all
from distribution.explain.remedy.fixes import FixOutcome
from distribution.explain.remedy.world import World
from tracing import wording

LiftKind = Literal["bid", "priority", "turn", "max_buyers"]


@dataclass(frozen=True, slots=True)
class Lift:
    """One change that makes the engine select the enrollment. `also`: what else it requires, such as more credits.

    `bid_cents`: the bid in an auction.
    """

    kind: LiftKind
    change: str
    also: tuple[FixOutcome, ...] = ()
    bid_cents: int | None = None

    @property
    def sentence(self) -> str:
        also = " and ".join(each.assumed for each in self.also)
        return wording.sentence(f"{self.change}, with {also}" if also else self.change)


def find_improvements(world: World) -> tuple[Lift, ...]:
    """Return the changes that the engine confirmed. In `world` the enrollment passes every gate and is outranked."""
    tried = (_try(changed, lift) for changed, lift in _proposals(world))
    confirmed: dict[LiftKind, Lift] = {}
    for lift in tried:
        if lift is not None:
            confirmed.setdefault(lift.kind, lift)
    return tuple(confirmed.values())


def _proposals(world: World) -> Iterator[tuple[World, Lift]]:
    """Yield the smaller change of each kind first."""
    rival = _last_chosen(world)
    own = world.campaign.by_enrollment_id[world.enrollment_id]
    is_auction = world.facts.phase == "bids"
    if rival is not None and (is_auction or rival.tier.position == own.tier.position):
        yield from _against(rival, world)
    needed = world.facts.lead.sold_count + _rank(world)
    change = f"sell the lead to {needed} buyers instead of {world.campaign.max_buyers}"
    yield world.change_campaign(max_buyers=needed), Lift("max_buyers", change)


def _against(rival: CompiledEnrollment, world: World) -> Iterator[tuple[World, Lift]]:
    if world.facts.phase == "bids":
        yield from _outbid(rival, world)
        return
    mode = world.campaign.push_mode
    if mode == "price":
        price_cents = world.decision.selected[-1].price_cents
        for bid_cents in (price_cents, price_cents + 1):
            change = f"bid at least {wording.money(bid_cents)}"
            yield world.change_enrollment(bid_cents=bid_cents), Lift("bid", change)
    elif mode == "priority":
        for priority in (rival.priority, rival.priority + 1):
            change = f"priority {priority} or higher"
            yield world.change_enrollment(priority=priority), Lift("priority", change)
    elif mode == "round_robin":
        yield from _turn(rival, world)


def _outbid(rival: CompiledEnrollment, world: World) -> Iterator[tuple[World, Lift]]:
    """Equal values go to the buyer that has waited longer, so one of the two bids is the smallest that wins.

    A bid of less margin may reach the rival's value below the reserve or the promised price. It would not win.
    """
    own = world.campaign.by_enrollment_id[world.enrollment_id]
    bid_cents = bid_to_reach(own, rival, campaign=world.campaign, live=world.facts.live)
    if bid_cents is None:
        return
    promise = world.facts.promise
    promised_cents = price_to_keep(promise) if promise is not None else None
    least = max(bid_cents, world.campaign.auction.reserve_cents or 0, promised_cents or 0)
    for cents in (least, least + 1):
        change = f"bid at least {wording.money(cents)}"
        yield world.change_live(bid_cents=cents), Lift("bid", change, bid_cents=cents)


def _turn(rival: CompiledEnrollment, world: World) -> Iterator[tuple[World, Lift]]:
    """Yield nothing if neither was ever served: chance decides then."""
    theirs, own = world.facts.live[rival.id], world.live
    if own.last_assigned_at is None:
        return
    served = f"it last got a lead at {wording.moment(own.last_assigned_at)}"
    if theirs.last_assigned_at is None:
        last, before = "had never gotten one", None
    else:
        last = f"got its last one at {wording.moment(theirs.last_assigned_at)}"
        before = theirs.last_assigned_at - timedelta(microseconds=1)
        if own.last_assigned_at < theirs.last_assigned_at:
            last += " but was still one lead behind"
    change = f"nothing: its turn will come; {served}, and the selected buyer {last}"
    earlier = world.change_live(last_assigned_at=before, virtual_finish=theirs.virtual_finish)
    yield earlier, Lift("turn", change)


def _try(changed: World, lift: Lift) -> Lift | None:
    fixed = fix_all(changed)
    chosen = {each.enrollment_id for each in fixed.world.decision.selected}
    return replace(lift, also=fixed.fixes) if changed.enrollment_id in chosen else None


def _last_chosen(world: World) -> CompiledEnrollment | None:
    selected = world.decision.selected
    return world.campaign.by_enrollment_id[selected[-1].enrollment_id] if selected else None


def _rank(world: World) -> int:
    return world.decision.ranking.index(world.enrollment_id) + 1
