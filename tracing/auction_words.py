"""Sentences for the events of auctions. Pure."""

from typing import Any, Final

from tracing import wording

AUCTION_ENDS: Final = {
    "bids_in": "all bids were in",
    "window_over": "the bid deadline passed",
    "canceled": "no decision was made about its bids",
}
NO_BID: Final = {
    "no_bid": "did not bid",
    "refused": "its answer was refused",
    "late": "bid too late",
    "timeout": "did not answer in time",
    "error": "its system could not be asked",
    "not_asked": "was not asked",
    "unknown": "no answer of its system is known",
}
# Why a buyer has no bid, and what would have to change. For others, the clause of the reason says it.
SILENT: Final = {
    "": ("it was not in the auction: it was skipped, or not enrolled yet, when that opened", ""),
    "error": (
        "its system could not be asked for a bid, and it has no standing bid",
        "let its ping endpoint be reached, or have a standing bid",
    ),
}


def find_silence(reason: str, data: Any) -> tuple[str, str] | None:
    """For a skipped buyer without a bid."""
    if reason != "no_bid" or not isinstance(data, dict):
        return None
    return SILENT.get(str(data.get("outcome", "no_bid")))


def describe_opening(data: dict[str, Any]) -> str:
    asked = sum(each["is_asked"] for each in data["shown"])
    standing = sum(not each["is_asked"] and each["standing_cents"] is not None for each in data["shown"])
    fields = ", ".join(map(wording.field_name, data["fields"])) or "no field"
    withheld = ", ".join(map(wording.field_name, data.get("withheld") or ()))
    parts = []
    if asked:
        time = wording.duration(data["deadline_ms"])
        parts.append(f"{wording.count(asked, 'buyer')} asked for a bid within {time}, with {fields}")
    if standing:
        parts.append(wording.count(standing, "standing bid"))
    text = f"Auction opened: {'; '.join(parts) or 'no buyer bids'}."
    hidden = f" Not sent, because the value may identify the person: {withheld}." if withheld else ""
    return text + hidden


def describe_bid(data: dict[str, Any], name: str) -> str:
    latency_ms, reason, rank = data.get("latency_ms"), data.get("reason"), data.get("rank")
    place = f", rank {rank}" if rank else ""
    waited_ms = data.get("waited_ms")
    if data.get("bid_cents") is None and waited_ms is not None:
        return f"{name}: did not answer within {wording.duration(waited_ms)}."
    if data.get("bid_cents") is None:
        took = f" after {wording.duration(latency_ms)}" if latency_ms is not None else ""
        said = f": {reason}" if reason else ""
        return f"{name}: {NO_BID.get(data['outcome'], data['outcome'])}{took}{said}."
    bid = wording.money(data["bid_cents"])
    if data["outcome"] == "standing":
        answered = data.get("answered")
        why = f", because it {NO_BID[answered]}" if answered in NO_BID else ""
        return f"{name}: standing bid of {bid}{why}{place}."
    took = f" after {wording.duration(latency_ms)}" if latency_ms is not None else ""
    return f"{name}: bid {bid}{took}{place}."


def describe_closing(data: dict[str, Any]) -> str:
    return f"The auction closed: {AUCTION_ENDS.get(data['reason'], data['reason'])}."
