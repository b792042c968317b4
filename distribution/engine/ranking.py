"""The order in which eligible buyers get a lead. Keys are tuples of integers, smallest first.

Weighted: earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995). An enrolment's virtual
finish grows by 1/weight a sale; one that is behind the weighted mean is eligible, and of those the one
whose next finish is earliest wins. While the same buyers compete, each stays within one lead of its share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from distribution.engine.campaign import CompiledCampaign, Enrollment
from distribution.engine.types import LiveFacts

VIRTUAL_SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolment that passed every gate."""

    enrollment: Enrollment
    live: LiveFacts
    price_cents: int
    overridden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranked:
    candidate: Candidate
    key: tuple[int, ...]
    new_virtual_finish: int | None


def rank(campaign: CompiledCampaign, *, candidates: Sequence[Candidate], seed: int) -> list[Ranked]:
    """All candidates, best first: by tier position, then by the campaign's mode, then by seed."""
    if campaign.mode == "weighted":
        ranked = _weighted(candidates, seed)
    else:
        key = _MODE_KEYS[campaign.mode]
        ranked = [Ranked(each, (*key(each), *_tail(each, seed)), None) for each in candidates]
    return sorted(ranked, key=lambda each: (each.candidate.enrollment.tier.position, each.key))


def mix(seed: int, enrollment_id: int) -> int:
    """A fair coin from a seed (splitmix64), cut to 53 bits so that JSON readers keep it exact."""
    z = (seed + enrollment_id * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (z ^ (z >> 31)) >> 11


def _tail(candidate: Candidate, seed: int) -> tuple[int, int]:
    return mix(seed, candidate.enrollment.id), candidate.enrollment.id


def _waited(candidate: Candidate) -> int:
    """Microseconds since 1970 of the last assignment; never assigned comes before all."""
    last = candidate.live.last_assigned_at
    return -1 if last is None else (last - _EPOCH) // _MICROSECOND


def _by_turn(candidate: Candidate) -> tuple[int, ...]:
    return (_waited(candidate),)


def _by_priority(candidate: Candidate) -> tuple[int, ...]:
    return (-candidate.enrollment.priority, _waited(candidate))


def _by_price(candidate: Candidate) -> tuple[int, ...]:
    return (-candidate.price_cents, _waited(candidate))


_MODE_KEYS = {"round_robin": _by_turn, "priority": _by_priority, "price": _by_price}


def _weighted(candidates: Sequence[Candidate], seed: int) -> list[Ranked]:
    by_tier: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        by_tier.setdefault(candidate.enrollment.tier.id, []).append(candidate)
    return [ranked for group in by_tier.values() for ranked in _weighted_tier(group, seed)]


def _weighted_tier(group: Sequence[Candidate], seed: int) -> list[Ranked]:
    """Key: (must wait, virtual deadline, coin, id).

    The virtual finish of a buyer that was absent has fallen behind. It starts no earlier than one of its
    strides before the latest start that was ever served, so it catches up by two leads at most. One that
    kept competing is never that far behind, so the floor changes nothing for it. The floor is relative to
    each stride: with one common start the lightest buyer could lose every time.
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
            (int(start * total_weight > total_start), start + stride, *_tail(candidate, seed)),
            start + stride,
        )
        for candidate, start, stride in zip(group, starts, strides, strict=True)
    ]
