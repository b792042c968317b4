"""The decision a second time, slow and literal, from its specification. It shares no code with the engine.

Hours and windows are found by walking the clock in five-minute steps, conditions by three-valued recursion,
prices in decimals, the weighted order in fractions.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from tests.unit.engine.oracle_clocks import first_open, freeze, is_open, window
from tests.unit.engine.oracle_conditions import truth

ORDER = (
    "enrollment_paused",
    "buyer_paused",
    "outside_service_area",
    "onboarding_mismatch",
    "lead_filter_rejected",
    "outside_buyer_hours",
    "cap_reached",
    "insufficient_credits",
    "already_has_lead",
    "rejected_lead",
)
LEAD_REASONS = {
    "lead_filter_rejected": "no_eligible_buyers_after_tier_filters",
    "outside_buyer_hours": "all_buyers_outside_hours",
    "cap_reached": "all_buyers_capped",
    "insufficient_credits": "insufficient_credits",
}


@dataclass
class Failure:
    """`opens_at`: None if time does not open the gate. `detail`: must also agree with the engine."""

    gate: str
    opens_at: datetime | None
    detail: Any


@dataclass
class Row:
    enrollment: dict[str, Any]
    buyer: dict[str, Any]
    tier: dict[str, Any]
    live: Any
    price_cents: int
    failures: list[Failure]


@dataclass
class Answer:
    outcome: str
    selected: list[tuple[int, int, int | None]]  # enrollment, price, new virtual finish
    skipped: dict[int, tuple[str, list[tuple[str, Any]]]]
    ranking: list[int]
    funnel: list[tuple[str, int]]
    verdict: tuple[str, str, datetime | None, str | None] | None


def answer(definition: dict[str, Any], facts: Any) -> Answer:
    campaign = definition["campaign"]
    count = len(definition["enrollments"])
    if count == 0:
        return _nothing(count, ("no_enrolled_buyers", "permanent", None, None))
    schedule = (freeze(campaign["schedule"]), campaign["timezone"])
    if not is_open(*schedule, facts.at):
        opens = first_open((schedule,), facts.at)
        retry = "deferred" if opens else "permanent"
        return _nothing(count, ("outside_campaign_hours", retry, opens, None))
    rows = [_row(definition, enrollment, facts) for enrollment in definition["enrollments"]]
    return _sell(campaign, rows, facts, schedule)


def _nothing(count: int, verdict: tuple[str, str, datetime | None, str | None]) -> Answer:
    return Answer("unsold", [], {}, [], [("enrolled", count)], verdict)


def _sell(campaign: dict[str, Any], rows: list[Row], facts: Any, schedule: tuple[Any, str]) -> Answer:
    passed = [row for row in rows if not row.failures]
    free = [row for row in passed if row.enrollment["id"] not in facts.locked]
    ordered = _order(campaign["mode"], free, facts.seed)
    slots = max(0, campaign["max_buyers"] - facts.lead.sold_count)
    # On acceptance, one buyer's system is asked at a time.
    winners = ordered[: min(slots, 1) if campaign["sells_on"] == "acceptance" else slots]
    skipped: dict[int, tuple[str, list[tuple[str, Any]]]] = {}
    for row in rows:
        if row.failures:
            details = [(failure.gate, failure.detail) for failure in row.failures]
            skipped[row.enrollment["id"]] = (row.failures[0].gate, details)
        elif row.enrollment["id"] in facts.locked:
            skipped[row.enrollment["id"]] = ("locked", [])
        elif row not in [winner for winner, _ in winners]:
            skipped[row.enrollment["id"]] = ("outranked", [])
    funnel = _funnel(rows, len(free), len(winners))
    outcome, verdict = _verdict(rows, passed, winners, slots, facts, schedule, funnel)
    sold = [(row.enrollment["id"], row.price_cents, finish) for row, finish in winners]
    return Answer(outcome, sold, skipped, [row.enrollment["id"] for row, _ in ordered], funnel, verdict)


def _funnel(rows: list[Row], free: int, winners: int) -> list[tuple[str, int]]:
    funnel = [("enrolled", len(rows))]
    for index, gate in enumerate(ORDER):
        gone = ORDER[: index + 1]
        funnel.append((gate, sum(not any(each.gate in gone for each in row.failures) for row in rows)))
    return [*funnel, ("locked", free), ("selected", winners)]


def _verdict(
    rows: list[Row],
    passed: list[Row],
    winners: list[Any],
    slots: int,
    facts: Any,
    schedule: tuple[Any, str],
    funnel: list[tuple[str, int]],
) -> tuple[str, Any]:
    if winners:
        return "sold", None
    emptied = [stage for stage, left in funnel if left == 0]
    if slots == 0:
        stage = emptied[0] if emptied[0] != "selected" else "outranked"
        return "sold_out", ("no_eligible_buyers", "permanent", None, stage)
    if passed:
        return "contention", ("tier_lock_contention", "transient", None, "locked")
    retry_at = _retry_at(rows, facts.at, schedule)
    reason = LEAD_REASONS.get(emptied[0], "no_eligible_buyers")
    return "unsold", (reason, "deferred" if retry_at else "permanent", retry_at, emptied[0])


def _retry_at(rows: list[Row], at: datetime, schedule: tuple[Any, str]) -> datetime | None:
    times = []
    for row in rows:
        if any(each.opens_at is None for each in row.failures):
            continue
        caps = [each.opens_at for each in row.failures if each.gate == "cap_reached"]
        buyer_hours = (freeze(row.buyer["hours"]), row.buyer["timezone"])
        opens = first_open((buyer_hours, schedule), max([at, *[each for each in caps if each]]))
        if opens:
            times.append(opens)
    return min(times, default=None)


# --- gates -------------------------------------------------------------------------------------------------


def _row(definition: dict[str, Any], enrollment: dict[str, Any], facts: Any) -> Row:
    [buyer] = [each for each in definition["buyers"] if each["id"] == enrollment["buyer_id"]]
    [tier] = [each for each in definition["tiers"] if each["id"] == enrollment["tier_id"]]
    price = _price(definition["campaign"], tier, enrollment, facts.lead.fields)
    row = Row(enrollment, buyer, tier, facts.live[enrollment["id"]], price, [])
    row.failures = list(_failures(definition["campaign"], row, facts))
    return row


def _failures(campaign: dict[str, Any], row: Row, facts: Any) -> Iterator[Failure]:
    fields = facts.lead.fields
    if not row.enrollment["active"]:
        yield Failure("enrollment_paused", None, None)
    if not row.buyer["active"]:
        yield Failure("buyer_paused", None, None)
    area = row.buyer["service_area"]
    excluded = _inside(area.get("exclude", {}), facts.lead)
    if excluded or not (area.get("everywhere") or _inside(area, facts.lead)):
        yield Failure("outside_service_area", None, None)
    wrong = [each["key"] for each in campaign["questions"] if not _answered(each, row.buyer, fields)]
    if wrong:
        yield Failure("onboarding_mismatch", None, sorted(wrong))
    if truth(row.tier["content_filter"], fields) is not True:
        yield Failure("lead_filter_rejected", None, "tier")
    if truth(row.enrollment["lead_filter"], fields) is not True:
        yield Failure("lead_filter_rejected", None, "enrollment")
    hours = (freeze(row.buyer["hours"]), row.buyer["timezone"])
    if not is_open(*hours, facts.at):
        opens = first_open((hours,), facts.at)
        yield Failure("outside_buyer_hours", opens, opens)
    yield from _cap_failure(row, facts.at)
    available = row.live.balance_cents - row.live.held_cents + row.live.credit_limit_cents
    if available < row.price_cents:
        yield Failure("insufficient_credits", None, row.price_cents - available)
    yield from _had_before(row)


def _had_before(row: Row) -> Iterator[Failure]:
    if row.live.has_lead:
        yield Failure("already_has_lead", None, None)
    if row.live.rejection is not None:
        yield Failure("rejected_lead", None, row.live.rejection)


def _cap_failure(row: Row, at: datetime) -> Iterator[Failure]:
    full: list[tuple[str, str, datetime | None]] = []
    for kind in ("hour", "day", "week", "month"):
        start, end = window(kind, at, row.buyer["timezone"])
        starts_at, leads, spent = row.live.usage.get(kind, (start, 0, 0))
        if starts_at < start:
            leads = spent = 0
        cap, budget = row.enrollment["caps"].get(kind), row.enrollment["budgets"].get(kind)
        if cap is not None and leads + 1 > cap:
            full.append((kind, "leads", end if cap > 0 else None))
        if budget is not None and spent + row.price_cents > budget:
            full.append((kind, "cents", end if row.price_cents <= budget else None))
    if full:
        times = [each[2] for each in full]
        opens = None if None in times else max(each for each in times if each)
        yield Failure("cap_reached", opens, sorted(full, key=str))


def _answered(question: dict[str, Any], buyer: dict[str, Any], fields: Any) -> bool:
    given = buyer["answers"].get(question["key"])
    if given in (None, "", []):
        return not question.get("required", False)
    return truth({"field": question["field"], "op": question["op"], "value": given}, fields) is True


def _inside(area: dict[str, Any], lead: Any) -> bool:
    zip_code = lead.fields.get("zip") or ""
    state = (lead.fields.get("state") or "").upper()
    county = (lead.fields.get("county") or "").lower()
    if zip_code and zip_code in area.get("zips", []):
        return True
    if zip_code and any(zip_code.startswith(each) for each in area.get("zip_prefixes", [])):
        return True
    if state and state in [each.upper() for each in area.get("states", [])]:
        return True
    for each in area.get("counties", []):
        county_state, name = each.split(":", 1)
        if state and county and county_state.upper() == state and name.lower() == county:
            return True
    return any(_near(circle, lead) for circle in area.get("radius", []))


def _near(circle: dict[str, Any], lead: Any) -> bool:
    if lead.latitude is None or lead.longitude is None:
        return False
    here = _vector(lead.latitude, lead.longitude)
    there = _vector(circle["latitude"], circle["longitude"])
    angle = 2 * math.asin(min(1.0, math.dist(here, there) / 2))
    return 3958.8 * angle <= circle["miles"]


def _vector(latitude: float, longitude: float) -> tuple[float, float, float]:
    phi, theta = math.radians(latitude), math.radians(longitude)
    return (math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi))


# --- price and order ---------------------------------------------------------------------------------------


def _price(campaign: dict[str, Any], tier: dict[str, Any], enrollment: dict[str, Any], fields: Any) -> int:
    if enrollment["bid_cents"] is not None:
        return int(enrollment["bid_cents"])
    price = Decimal(campaign["price_cents"] if tier["price_cents"] is None else tier["price_cents"])
    for rule in campaign["price_rules"]:
        if truth(rule["when"], fields) is not True:
            continue
        if "set_cents" in rule:
            price = Decimal(rule["set_cents"])
        elif "add_cents" in rule:
            price = max(Decimal(0), price + rule["add_cents"])
        else:
            exact = price * Decimal(str(rule["percent"])) / 100
            price = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)
        price = min(price, Decimal(10_000_000))
    return int(price)


def _order(mode: str, rows: list[Row], seed: int) -> list[tuple[Row, int]]:
    finishes: dict[int, int] = {}
    keys: dict[int, tuple[Any, ...]] = {}
    for tier_id in {row.tier["id"] for row in rows}:
        group = [row for row in rows if row.tier["id"] == tier_id]
        for row in group:
            peers = [each for each in group if _level(mode, each) == _level(mode, row)]
            # One second of virtual time is one lead. A buyer is at most two leads behind the leader.
            most = max(each.live.virtual_finish for each in peers)
            had = max(row.live.virtual_finish, most - 2 * 10**9)
            last = row.live.last_assigned_at
            turn = (had, last is not None, last or datetime.min.replace(tzinfo=UTC))
            keys[row.enrollment["id"]] = (_level(mode, row), *turn)
            finishes[row.enrollment["id"]] = had + 10**9
        if mode == "weighted":
            _weigh(group, keys, finishes)
    ordered = sorted(
        rows,
        key=lambda row: (
            row.tier["position"],
            *keys[row.enrollment["id"]],
            coin(seed, row.enrollment["id"]),
            row.enrollment["id"],
        ),
    )
    return [(row, finishes[row.enrollment["id"]]) for row in ordered]


def _level(mode: str, row: Row) -> int:
    """Buyers of one level take turns. A lower level comes first."""
    return {"priority": -int(row.enrollment["priority"]), "price": -row.price_cents}.get(mode, 0)


def _weigh(group: list[Row], keys: dict[int, Any], finishes: dict[int, int]) -> None:
    """Buyers behind the weighted mean of the starts come first. Among equals, the earlier next finish comes first."""
    stride = {row.enrollment["id"]: 10**9 // row.enrollment["weight"] for row in group}
    latest = max(row.live.virtual_finish - stride[row.enrollment["id"]] for row in group)
    start = {
        row.enrollment["id"]: max(row.live.virtual_finish, latest - stride[row.enrollment["id"]])
        for row in group
    }
    weights = sum(row.enrollment["weight"] for row in group)
    mean = Fraction(sum(row.enrollment["weight"] * start[row.enrollment["id"]] for row in group), weights)
    for row in group:
        key = row.enrollment["id"]
        finishes[key] = start[key] + stride[key]
        keys[key] = (start[key] > mean, start[key] + stride[key])


def coin(seed: int, key: int) -> int:
    """splitmix64 of the seed advanced by `key` steps, the upper 53 bits."""
    full = 2**64
    z = (seed + key * 11400714819323198485) % full
    z = ((z ^ (z // 2**30)) * 13787848793156543929) % full
    z = ((z ^ (z // 2**27)) * 10723151780598845931) % full
    return (z ^ (z // 2**31)) // 2**11
