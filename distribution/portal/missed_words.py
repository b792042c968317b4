"""Why a buyer missed leads, in the words of its filter, by what they are about."""

from collections.abc import Collection, Mapping
from typing import Final

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "Your settings": {
        "outside_service_area": "Outside your service area",
        "lead_filter_rejected": "A filter did not fit",
        "onboarding_mismatch": "Your answers did not fit",
        "outside_buyer_hours": "Outside your hours",
        "cap_reached": "Your cap or budget was used up",
        "insufficient_credits": "Your balance was too low",
        "buyer_paused": "You were paused",
        "enrollment_paused": "You were paused in the campaign",
    },
    "Offers": {
        "offer_not_claimed": "You did not claim it",
        "claim_lost": "Another buyer claimed it first",
        "claim_late": "You claimed too late",
        "claim_paused": "Selling was paused when you claimed",
        "claim_not_enrolled": "You were no longer in the campaign",
        "offer_not_seen": "It was gone before you could see it",
        "offer_withdrawn": "It was withdrawn",
    },
    "Auctions": {
        "outbid": "Another bid ranked higher",
        "no_bid": "You made no bid",
        "bid_late": "Your system answered too late",
        "bid_not_asked": "Your system was not asked in time",
        "bid_unknown": "Your system's answer is not known",
        "bid_below_reserve": "Your bid was too low",
    },
    "Other reasons": {
        "outranked": "Another buyer was ahead of you",
        "rejected_lead": "Your system rejected it",
        "below_promised_price": "Your price was too low for its source",
        "locked": "You were buying another lead at that moment",
    },
}


def list_groups(reasons: Collection[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The groups with these reasons: code and words of each."""
    found = (
        (name, [(code, words) for code, words in group.items() if code in reasons])
        for name, group in GROUPS.items()
    )
    return [(name, choices) for name, choices in found if choices]
