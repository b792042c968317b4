"""The order in which eligible buyers get a lead. Keys are tuples of integers, smallest first.

Peers (one tier, and one priority or price in those modes) take turns. An enrollment's virtual finish grows by 1/weight
with each sale, and the lowest comes first. The time of the last lead is not enough: with several workers, sales end in
another order than they began, and nothing would correct that.

Weighted: earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995). A buyer behind the weighted mean is
eligible, and of those the one with the earliest next finish wins. While the same buyers compete, each stays within one
lead of its share. With equal weights this is the earliest start, which the other modes use.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from distribution.engine.campaign import CompiledCampaign, CompiledEnrollment
from distribution.engine.facts import EPOCH, MICROSECOND
from distribution.engine.types import LiveFacts, Skip

VIRTUAL_SECOND = 10**9
_MASK = 2**64 - 1


@dataclass(
    slots=True
)  # never changed, but not frozen: a lead needs a thousand, and frozen ones take five times as long
class Candidate:
    """An enrollment that passed every gate."""

    enrollment: CompiledEnrollment
    live: LiveFacts
    price_cents: int
    overridden: tuple[str, ...] = ()


@dataclass(slots=True)  # as above
class Ranked:
    candidate: Candidate
    key: tuple[int, ...]
    new_virtual_finish: int
    has_tier: bool = True  # in an auction all tiers bid together

    @property
    def rank_key(self) -> tuple[int, ...]:
        return (self.candidate.enrollment.tier.position, *self.key) if self.has_tier else self.key


def pass_over(candidate: Candidate, reason: str, data: dict[str, Any]) -> Skip:
    """A buyer that passed every gate and does not get the lead."""
    enrollment = candidate.enrollment
    return Skip(enrollment.id, enrollment.buyer_id, reason, (), candidate.price_cents, data)


def rank(campaign: CompiledCampaign, *, candidates: Sequence[Candidate], seed: int) -> list[Ranked]:
    """Return all candidates, best first: by tier position, by the campaign's mode, by turn, by seed."""
    first, among_peers = _MODES[campaign.push_mode]
    peers: dict[tuple[int, int], list[Candidate]] = {}
    for each in candidates:
        peers.setdefault((each.enrollment.tier.id, first(each)), []).append(each)
    ranked = [each for (_, best), group in peers.items() for each in among_peers(group, best, seed)]
    return sorted(ranked, key=lambda each: (each.candidate.enrollment.tier.position, each.key))


def one_turn(mode: str, *, weight: int) -> int:
    """Return what a sale adds to a virtual finish that was not far behind."""
    return VIRTUAL_SECOND // weight if mode == "weighted" else VIRTUAL_SECOND


def mix(seed: int, enrollment_id: int) -> int:
    """Return a random number from a seed (splitmix64), cut to 53 bits so that JSON readers keep it exact."""
    z = (seed + enrollment_id * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) >> 11


def tail(candidate: Candidate, seed: int) -> tuple[int, int]:
    return mix(seed, candidate.enrollment.id), candidate.enrollment.id


def waited(candidate: Candidate) -> int:
    """Microseconds since 1970 of the last assignment; -1 if there is none, so it comes first."""
    last = candidate.live.last_assigned_at
    return -1 if last is None else (last - EPOCH) // MICROSECOND


def _in_turn(group: Sequence[Candidate], best: int, seed: int) -> list[Ranked]:
    """Key: (rank of the peers, turns had, last lead, random number, id).

    The virtual finish of a buyer that was absent has fallen behind. It counts as one turn behind the buyer served last,
    so it catches up by two leads at most.
    """
    floor = max(each.live.virtual_finish for each in group) - 2 * VIRTUAL_SECOND
    starts = [max(each.live.virtual_finish, floor) for each in group]
    return [
        Ranked(each, (best, start, waited(each), *tail(each, seed)), start + VIRTUAL_SECOND)
        for each, start in zip(group, starts, strict=True)
    ]


def _by_weight(group: Sequence[Candidate], best: int, seed: int) -> list[Ranked]:
    """Key: (rank of the peers, must wait, virtual deadline, random number, id).

    A buyer that was absent starts no earlier than one of its strides before the latest start that was served. A buyer
    that kept competing is never that far behind, so this floor does not affect it. The floor depends on each stride:
    with one common floor, the buyer with the least weight could lose every time.
    """
    strides = [VIRTUAL_SECOND // each.enrollment.weight for each in group]
    finishes = [each.live.virtual_finish for each in group]
    served = max(finish - stride for finish, stride in zip(finishes, strides, strict=True))
    starts = [max(finish, served - stride) for finish, stride in zip(finishes, strides, strict=True)]
    total_weight = sum(each.enrollment.weight for each in group)
    total_start = sum(each.enrollment.weight * start for each, start in zip(group, starts, strict=True))
    return [
        Ranked(
            candidate,
            (best, int(start * total_weight > total_start), start + stride, *tail(candidate, seed)),
            start + stride,
        )
        for candidate, start, stride in zip(group, starts, strides, strict=True)
    ]


_MODES: Final[Mapping[str, tuple[Callable[[Candidate], int], Callable[..., list[Ranked]]]]] = {
    "round_robin": (lambda _: 0, _in_turn),
    "weighted": (lambda _: 0, _by_weight),
    "priority": (lambda each: -each.enrollment.priority, _in_turn),
    "price": (lambda each: -each.price_cents, _in_turn),
}
