"""What the portal says to a buyer: what stops its leads and where to change it, states, and the results of changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from django.urls import reverse

from distribution.explain.enrollment import Stop, StopCode
from distribution.models import AssignmentState, DeliveryState, DisabledReason, Endpoint, Method
from distribution.selfservice.remedies import find_remedy
from tracing.obstacles import Obstacle
from tracing.skip_reasons import Fixer

# What a page says after a change, by the code in its address.
DONE: Final = {
    "signed-out": "You are signed out.",
    "signed-out-everywhere": "You are signed out in every browser.",
    "saved": "Your change was saved.",
    "claimed": "The lead is yours. Call now.",
    "claimed-before": "You had claimed this lead before. You were not charged again.",
    "change-withdrawn": "The change was withdrawn. Your settings stay as they are.",
    "change-asked": "Your agency must approve this change. Until then nothing has changed.",
    "return-requested": "Your return request was sent. You see here what becomes of it.",
    "return-withdrawn": "The return request was withdrawn. You keep the lead.",
    "evidence-added": "The file was added.",
    "card-added": "The card was added. Payments are taken from it from now on.",
    "card-removed": "The card was removed. It is removed at the card provider too, after a pending payment has ended.",
    "payment-started": "Your card is being charged. The credits are in your wallet as soon as it is paid.",
    "payment-confirmed": "The payment was confirmed. The credits are in your wallet within a minute.",
    "recharge-paused": "Automatic recharge is paused.",
    "recharge-resumed": "Automatic recharge is resumed.",
}


@dataclass(frozen=True, slots=True)
class StopWords:
    """`page`: where the buyer changes it; blank: only the agency can. `link`: the label of that link."""

    sentence: str
    page: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class ShownStop:
    sentence: str
    page: str
    link: str


AGENCY: Final = "Ask your agency."
_LIMITS: Final = ("portal-settings", "Change caps and budgets")
_AREA: Final = ("portal-area", "Change the area")
_HOURS: Final = ("portal-hours", "Change the hours")
_ANSWERS: Final = ("portal-answers", "Change your answers")
BY_PAYING: Final = frozenset({"insufficient_credits"})
STOPS: Final[Mapping[StopCode, StopWords]] = {
    StopCode.ENROLLMENT_PAUSED: StopWords(f"Your agency paused you in this campaign. {AGENCY}"),
    StopCode.ENROLLMENT_PAUSED_BY_BUYER: StopWords("You paused this campaign.", "portal-settings", "Resume"),
    StopCode.BUYER_PAUSED: StopWords("You are paused: you get no leads.", "portal-pause", "Resume"),
    StopCode.CAMPAIGN_INACTIVE: StopWords(f"The campaign is not running. {AGENCY}"),
    StopCode.WORKSPACE_PAUSED: StopWords(
        "Your agency has paused all leads for now. They start again by themselves."
    ),
    StopCode.AREA_INVALID: StopWords("Your service area cannot be read.", *_AREA),
    StopCode.AREA_EMPTY: StopWords("Your service area covers no ZIP codes.", *_AREA),
    StopCode.CAP_ZERO: StopWords("Your cap per {kind} is 0.", *_LIMITS),
    StopCode.CAP_REACHED: StopWords("Your cap of {cap} per {kind} is reached.", *_LIMITS),
    StopCode.BUDGET_BELOW_PRICE: StopWords(
        "Your budget per {kind} is {budget}, but one lead costs {price}.", *_LIMITS
    ),
    StopCode.BUDGET_SPENT: StopWords(
        "Your budget of {budget} per {kind} is too low for another lead.", *_LIMITS
    ),
    StopCode.LOW_BALANCE: StopWords(
        "Not enough balance: {available} of {price} for one lead.", "portal-wallet", "Open the wallet"
    ),
    StopCode.HOURS_INVALID: StopWords("Your hours or time zone cannot be read.", *_HOURS),
    StopCode.CLOSED_ALWAYS: StopWords("Your hours are closed all week.", *_HOURS),
    StopCode.CLOSED_TODAY: StopWords("Your hours are closed for the rest of today.", *_HOURS),
    StopCode.CAMPAIGN_HOURS_INVALID: StopWords(f"The campaign's hours cannot be read. {AGENCY}"),
    StopCode.CAMPAIGN_CLOSED_ALWAYS: StopWords(f"The campaign is closed all week. {AGENCY}"),
    StopCode.CAMPAIGN_CLOSED_TODAY: StopWords(
        "The campaign is closed for the rest of today. It opens again by itself."
    ),
    StopCode.ANSWERS_INVALID: StopWords("Your answers cannot be read.", *_ANSWERS),
    StopCode.ANSWER_MISSING: StopWords(
        "You have not answered the required question “{question}”.", *_ANSWERS
    ),
    StopCode.ANSWER_UNFIT: StopWords("Your answer to “{question}” does not fit the question.", *_ANSWERS),
    StopCode.FILTER_INVALID: StopWords(f"A filter of this campaign cannot be read. {AGENCY}"),
    StopCode.CONTRADICTION: StopWords(
        f"No lead fits your area, answers and filters together in this campaign. {AGENCY}"
    ),
}
# Who must act, as the page of a missed lead says it.
FIXERS: Final = {
    Fixer.BUYER: "You can change this.",
    Fixer.AGENCY: "Your agency can change this.",
    Fixer.LEAD: "Nobody can change this: the lead itself would have to be different.",
    Fixer.OUTRANKED: "Other buyers ranked higher. A higher bid can help.",
    Fixer.SYSTEM: "Nothing to do: it resolves by itself.",
}
# Short words for lists, with their tone.
ASSIGNMENT_STATES: Final = {
    AssignmentState.SOLD: ("bought", "good"),
    AssignmentState.HELD: ("waiting for your system", "wait"),
    AssignmentState.REJECTED: ("rejected by your system", "bad"),
    AssignmentState.RETURNED: ("returned", "quiet"),
}
DELIVERY_STATES: Final = {
    DeliveryState.PENDING: ("waiting", "wait"),
    DeliveryState.POSTING: ("being sent", "wait"),
    DeliveryState.ACCEPTED: ("delivered", "good"),
    DeliveryState.REJECTED: ("rejected by your system", "bad"),
    DeliveryState.UNKNOWN: ("no clear answer: your agency checks it", "bad"),
    DeliveryState.CANCELLED: ("canceled", "quiet"),
}
RETURN_STATES: Final = {
    "requested": ("waiting for review", "wait"),
    "approved": ("approved", "good"),
    "declined": ("declined", "bad"),
    "withdrawn": ("withdrawn", "quiet"),
}


def describe_stop(stop: Stop) -> ShownStop:
    words = STOPS[stop.code]
    return ShownStop(words.sentence.format(**stop.values), words.page, words.link)


# Where a buyer changes what a gate found: the page, and the label of the link. Those of a campaign have its id.
OF_CAMPAIGN: Final = frozenset({"portal-limits", "portal-filter", "portal-bids"})
LINKS: Final = {
    "enrollment_paused": ("portal-limits", "Resume"),
    "buyer_paused": ("portal-pause", "Resume"),
    "outside_service_area": _AREA,
    "onboarding_mismatch": _ANSWERS,
    "lead_filter_rejected": ("portal-filter", "Change your filter"),
    "outside_buyer_hours": _HOURS,
    "cap_reached": ("portal-limits", "Change caps and budgets"),
    "insufficient_credits": ("portal-wallet", "Open the wallet"),
    "below_promised_price": ("portal-limits", "Change your bid"),
    "bid_below_reserve": ("portal-bids", "Change your bids"),
}


# Of an auction, which no gate decided.
OF_AUCTION: Final = {
    "outbid": ("portal-bids", "Change your bids"),
    "bid_below_reserve": ("portal-bids", "Change your bids"),
    "no_bid": ("portal-bids", "Set your bids"),
}


def list_links(
    obstacles: Iterable[Obstacle], *, campaign_id: UUID | None, reason: str = ""
) -> list[tuple[str, str]]:
    """Address and label of the pages on which the buyer itself changes these, each once. `reason`: why it missed it."""
    found = dict.fromkeys(LINKS[each.gate] for each in obstacles if each.gate in LINKS and _is_own(each))
    found |= {OF_AUCTION[reason]: None} if reason in OF_AUCTION else {}
    return [
        (reverse(page, args=[campaign_id] if page in OF_CAMPAIGN else []), label)
        for page, label in found
        if campaign_id is not None or page not in OF_CAMPAIGN
    ]


def _is_own(obstacle: Obstacle) -> bool:
    return obstacle.gate in BY_PAYING or find_remedy(obstacle) is not None


METHODS: Final = {
    Method.WEBHOOK: "signed webhook",
    Method.HTTP: "HTTP request",
    Method.EMAIL: "email",
    Method.CSV: "daily CSV by email",
}


@dataclass(frozen=True, slots=True)
class ShownEndpoint:
    """Without its secrets and headers. `address`: the host that gets the leads, or the inboxes."""

    name: str
    method: str
    address: str
    campaign: str
    state: str
    tone: str
    endpoint: Endpoint


def describe_endpoint(endpoint: Endpoint) -> ShownEndpoint:
    state, tone = _describe_standing(endpoint)
    return ShownEndpoint(
        endpoint.name,
        METHODS[Method(endpoint.method)],
        urlsplit(endpoint.url).hostname or endpoint.email_to.replace(",", ", "),
        endpoint.campaign.name if endpoint.campaign else "",
        state,
        tone,
        endpoint,
    )


def _describe_standing(endpoint: Endpoint) -> tuple[str, str]:
    if endpoint.disabled_at is not None:
        return f"disabled: {DisabledReason(endpoint.disabled_reason).label}", "bad"
    if not endpoint.active:
        return "switched off", "quiet"
    return ("failing", "bad") if endpoint.failing_since is not None else ("live", "good")
