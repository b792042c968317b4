"""Turns a campaign definition (the JSON of a campaign snapshot) into a CompiledCampaign.

Raises DefinitionError with the path of the malformed part. It ignores unknown keys, so it can read a snapshot that a
later version wrote.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast, get_args

from distribution.engine.campaign import (
    AuctionTerms,
    CompiledCampaign,
    CompiledEnrollment,
    CompiledTier,
    OfferTerms,
    Pause,
    PriceRule,
    StandingBid,
    VerificationTerms,
)
from distribution.engine.limits import MAX_MARGIN_BPS, MAX_PRICE_CENTS, MAX_UNVERIFIED_PERCENT
from distribution.engine.parts import PartCompiler, read_questions, read_timezone
from distribution.engine.reading import (
    DefinitionError,
    join,
    read_flag,
    read_integer,
    read_object,
    read_objects,
    read_optional_integer,
    read_optional_moment,
    read_text,
    read_texts,
)
from distribution.engine.types import (
    ConsentKind,
    Mode,
    Needed,
    OfferFallback,
    PushMode,
    SellsOn,
    UnverifiedEnd,
)

MAX_COMPILED_WEIGHT = 1_000_000  # a thousandth of ranking.VIRTUAL_SECOND, so that strides stay exact enough
MAX_PERCENT = 10_000
DEFAULT_POST_DEADLINE_SECONDS = 60
MODES = (*get_args(PushMode), "ping_post", "auction")
_MAX_CENTS = 10**12

Buyers = dict[int, tuple[str, Mapping[str, Any]]]  # id -> path, definition
Questions = list[tuple[str, Mapping[str, Any]]]


def compile_campaign(definition: Mapping[str, Any], *, is_strict: bool = False) -> CompiledCampaign:
    """Compile a definition. Raises DefinitionError.

    An unreadable area, time zone, hours or answers of a buyer, or filter of an enrollment or a tier, does not raise. It
    affects only its owner: no lead passes it, and the failure says why. `is_strict`: it raises as well.
    """
    compiler = PartCompiler(is_strict=is_strict)
    head = read_object(definition, "campaign", path="")
    rules = read_objects(head, "price_rules", path="campaign")
    price_rules = tuple(
        _price_rule(rule, index, compiler, path=path) for index, (path, rule) in enumerate(rules)
    )
    tiers = tuple(
        _tier(tier, compiler, path=path) for path, tier in read_objects(definition, "tiers", path="")
    )
    _refuse_repeats([tier.id for tier in tiers], path="tiers", name="tier")
    enrollments = _enrollments(definition, tiers, read_questions(head), compiler)
    return CompiledCampaign(
        id=read_integer(head, "id", path="campaign"),
        config_version=read_integer(head, "config_version", path="campaign"),
        mode=_mode(head),
        price_cents=read_integer(head, "price_cents", path="campaign", minimum=0, maximum=_MAX_CENTS),
        max_buyers=read_integer(head, "max_buyers", path="campaign", minimum=1),
        sells_on=_sells_on(head),
        post_deadline_seconds=read_optional_integer(head, "post_deadline_seconds", path="campaign", minimum=1)
        or DEFAULT_POST_DEADLINE_SECONDS,
        schedule=compiler.calendar(
            head, "schedule", timezone=read_timezone(head, path="campaign"), path="campaign"
        ),
        price_rules=price_rules,
        tiers=tiers,
        enrollments=enrollments,
        by_enrollment_id={enrollment.id: enrollment for enrollment in enrollments},
        window_slots=tuple(compiler.slots.values()),
        fields=frozenset(compiler.fields),
        offer=_offer_terms(head),
        auction=_auction_terms(head),
        verification=_verification_terms(head),
    )


def _offer_terms(head: Mapping[str, Any]) -> OfferTerms:
    """Snapshots of earlier versions do not have them."""
    default = OfferTerms()
    return OfferTerms(
        seconds=read_optional_integer(head, "offer_seconds", path="campaign", minimum=1) or default.seconds,
        fields=tuple(read_texts(head, "offer_fields", path="campaign")),
        fallback=_one_of(head, "offer_fallback", OfferFallback, default=default.fallback),
        fallback_mode=_one_of(head, "fallback_mode", PushMode, default=default.fallback_mode),
    )


def _auction_terms(head: Mapping[str, Any]) -> AuctionTerms:
    """Snapshots of earlier versions do not have them."""
    default = AuctionTerms()
    return AuctionTerms(
        bid_deadline_ms=read_optional_integer(head, "bid_deadline_ms", path="campaign", minimum=1)
        or default.bid_deadline_ms,
        reserve_cents=read_optional_integer(
            head, "reserve_cents", path="campaign", minimum=0, maximum=_MAX_CENTS
        ),
        margin_bps=read_optional_integer(
            head, "margin_bps", path="campaign", minimum=0, maximum=MAX_MARGIN_BPS
        )
        or 0,
        penalizes_returns=read_flag(head, "penalizes_returns", path="campaign", default=False),
    )


def _verification_terms(head: Mapping[str, Any]) -> VerificationTerms:
    """Snapshots of earlier versions do not have them."""
    default = VerificationTerms()
    percent = read_optional_integer(
        head, "unverified_percent", path="campaign", minimum=0, maximum=MAX_UNVERIFIED_PERCENT
    )
    return VerificationTerms(
        needed=_one_of(head, "verification", Needed, default=default.needed),
        consent_kind=_one_of(head, "consent_kind", ConsentKind, default=default.consent_kind),
        sells_unverified=_one_of(head, "unverified_end", UnverifiedEnd, default="fail") == "sell",
        unverified_percent=default.unverified_percent if percent is None else percent,
    )


def _one_of(head: Mapping[str, Any], key: str, allowed: Any, *, default: Any) -> Any:
    value = head.get(key, default)
    if value not in get_args(allowed):
        raise DefinitionError(
            f"campaign.{key}", f"must be one of {', '.join(get_args(allowed))}, not {value!r}"
        )
    return value


def _mode(head: Mapping[str, Any]) -> Mode:
    mode = read_text(head, "mode", path="campaign")
    if mode not in MODES:
        raise DefinitionError("campaign.mode", f"unknown mode {mode!r}: use one of {', '.join(MODES)}")
    return cast("Mode", mode)


def _sells_on(head: Mapping[str, Any]) -> SellsOn:
    """Snapshots of earlier versions do not have it."""
    return cast("SellsOn", _one_of(head, "sells_on", SellsOn, default="decision"))


def _price_rule(rule: Mapping[str, Any], index: int, compiler: PartCompiler, *, path: str) -> PriceRule:
    when = compiler.condition(rule.get("when"), path=join(path, "when"))
    kinds = [kind for kind in ("set_cents", "add_cents", "percent") if rule.get(kind) is not None]
    if kinds == ["set_cents"]:
        cents = read_integer(rule, "set_cents", path=path, minimum=0, maximum=_MAX_CENTS)
        return PriceRule(index, when, "set_cents", cents, cents, 1)
    if kinds == ["add_cents"]:
        cents = read_integer(rule, "add_cents", path=path, minimum=-_MAX_CENTS, maximum=_MAX_CENTS)
        return PriceRule(index, when, "add_cents", cents, cents, 1)
    if kinds == ["percent"]:
        percent = rule["percent"]
        ratio = _ratio(percent, path=join(path, "percent"))
        return PriceRule(index, when, "percent", percent, ratio.numerator, ratio.denominator)
    raise DefinitionError(path, "needs exactly one of set_cents, add_cents, percent")


def _ratio(percent: Any, *, path: str) -> Fraction:
    """Return the exact decimal value: 112.5 is 9/8, without the error of a binary fraction."""
    if not isinstance(percent, int | float) or isinstance(percent, bool) or not 0 <= percent <= MAX_PERCENT:
        raise DefinitionError(path, f"must be a number between 0 and {MAX_PERCENT}")
    return Fraction(str(percent)) / 100


def _tier(tier: Mapping[str, Any], compiler: PartCompiler, *, path: str) -> CompiledTier:
    return CompiledTier(
        id=read_integer(tier, "id", path=path),
        position=read_integer(tier, "position", path=path),
        content_filter=compiler.filter(tier, "content_filter", path=path),
        price_cents=read_optional_integer(tier, "price_cents", path=path, minimum=0, maximum=_MAX_CENTS),
        head_start_seconds=read_optional_integer(tier, "head_start_seconds", path=path, minimum=0) or 0,
    )


def _enrollments(
    definition: Mapping[str, Any],
    tiers: tuple[CompiledTier, ...],
    questions: Questions,
    compiler: PartCompiler,
) -> tuple[CompiledEnrollment, ...]:
    listed = read_objects(definition, "buyers", path="")
    buyer_ids = [read_integer(buyer, "id", path=path) for path, buyer in listed]
    _refuse_repeats(buyer_ids, path="buyers", name="buyer")
    buyers: Buyers = dict(zip(buyer_ids, listed, strict=True))
    enrollments = tuple(
        _enrollment(each, path, tiers, buyers, questions, compiler)
        for path, each in read_objects(definition, "enrollments", path="")
    )
    _refuse_repeats([each.id for each in enrollments], path="enrollments", name="enrollment")
    _refuse_repeats([each.buyer_id for each in enrollments], path="enrollments", name="enrolled buyer")
    return enrollments


def _enrollment(
    definition: Mapping[str, Any],
    path: str,
    tiers: tuple[CompiledTier, ...],
    buyers: Buyers,
    questions: Questions,
    compiler: PartCompiler,
) -> CompiledEnrollment:
    tier_index = _tier_index(definition, tiers, path=path)
    buyer_id = read_integer(definition, "buyer_id", path=path)
    if buyer_id not in buyers:
        raise DefinitionError(join(path, "buyer_id"), f"buyer {buyer_id} is not among the buyers")
    buyer_path, buyer = buyers[buyer_id]
    timezone, calendar = compiler.opening(buyer, path=buyer_path)
    return CompiledEnrollment(
        id=read_integer(definition, "id", path=path),
        buyer_id=buyer_id,
        tier=tiers[tier_index],
        tier_index=tier_index,
        weight=read_integer(definition, "weight", path=path, minimum=1, maximum=MAX_COMPILED_WEIGHT),
        priority=read_integer(definition, "priority", path=path),
        bid_cents=read_optional_integer(definition, "bid_cents", path=path, minimum=0, maximum=_MAX_CENTS),
        timezone=timezone,
        caps=dict(definition.get("caps") or {}),
        budgets=dict(definition.get("budgets") or {}),
        enrollment_pause=_pause(definition, path=path),
        buyer_pause=_pause(buyer, path=buyer_path),
        area=compiler.area(buyer, path=buyer_path),
        onboarding=compiler.onboarding(buyer, questions=questions, path=buyer_path),
        lead_filter=compiler.filter(definition, "lead_filter", path=path),
        calendar=calendar,
        limits=compiler.limits(definition, timezone=timezone, path=path),
        margin_bps=read_optional_integer(
            definition, "margin_bps", path=path, minimum=0, maximum=MAX_MARGIN_BPS
        ),
        standing_bids=_standing_bids(definition, compiler, path=path),
    )


def _standing_bids(
    definition: Mapping[str, Any], compiler: PartCompiler, *, path: str
) -> tuple[StandingBid, ...]:
    """If they cannot be read the buyer has none: it is asked, or does not bid."""
    try:
        rules = read_objects(definition, "standing_bids", path=path)
        return tuple(_standing_bid(rule, compiler, path=where) for where, rule in rules)
    except DefinitionError:
        if compiler.is_strict:
            raise
        return ()


def _standing_bid(rule: Mapping[str, Any], compiler: PartCompiler, *, path: str) -> StandingBid:
    when = compiler.condition(rule.get("when"), path=join(path, "when"))
    return StandingBid(when, read_integer(rule, "bid_cents", path=path, minimum=1, maximum=MAX_PRICE_CENTS))


def _pause(definition: Mapping[str, Any], *, path: str) -> Pause | None:
    """Snapshots of earlier versions have neither `paused_until` nor `paused_by`."""
    is_active = read_flag(definition, "active", path=path)
    until = read_optional_moment(definition, "paused_until", path=path)
    if is_active and until is None:
        return None
    return Pause(until if is_active else None, by=definition.get("paused_by"))


def _tier_index(definition: Mapping[str, Any], tiers: tuple[CompiledTier, ...], *, path: str) -> int:
    tier_id = read_integer(definition, "tier_id", path=path)
    for index, tier in enumerate(tiers):
        if tier.id == tier_id:
            return index
    raise DefinitionError(join(path, "tier_id"), f"tier {tier_id} is not among the tiers")


def _refuse_repeats(ids: list[int], *, path: str, name: str) -> None:
    seen: set[int] = set()
    for index, each in enumerate(ids):
        if each in seen:
            raise DefinitionError(f"{path}[{index}]", f"{name} {each} is listed twice")
        seen.add(each)
