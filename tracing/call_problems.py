"""What a carrier's refusal means, and what would have to change. Codes are permanent: stored calls have them. Pure.

One row for each `Problem` of the carrier's client (distribution/calls/carrier/values.py). Pages, commands, the API and
docs/calls-carrier.md use these words.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class CallProblem:
    """`change`: for who runs the product; blank: nothing, LeadSwitch goes on by itself."""

    code: str
    sentence: str
    change: str = ""


BY_HAND: Final = "verify the person by hand"
CALL_PROBLEMS: Final = MappingProxyType(
    {
        each.code: each
        for each in (
            CallProblem("invalid_phone", "The phone number does not exist, or cannot be reached.", BY_HAND),
            CallProblem("phone_refused", "The carrier does not call this phone number.", BY_HAND),
            CallProblem(
                "number_refused",
                "The carrier does not let the account call from the channel's number.",
                "verify the channel's number at the carrier, then remove its flag",
            ),
            CallProblem(
                "account_refused",
                "The carrier refused the account SID or the token, or the account is suspended.",
                "replace the token, or ask the carrier why the account is suspended; then start the account",
            ),
            CallProblem(
                "account_limited",
                "The carrier account is a trial, or lacks a feature.",
                "upgrade the account at the carrier, then start it",
            ),
            CallProblem(
                "concurrency",
                "The carrier account has as many calls out as the carrier allows.",
                "lower the lines of its channels, or have the carrier raise its limit",
            ),
            CallProblem(
                "queue_full",
                "The carrier has a day of calls in its queue.",
                "lower the pace of the account's channels, and start the account when the queue is empty",
            ),
            CallProblem(
                "geo",
                "The carrier refuses calls to this country.",
                "allow the country in the carrier's console",
            ),
            CallProblem("throttled", "The carrier got too many requests."),
            CallProblem(
                "bad_settings",
                "The API address or the account SID cannot be used.",
                "add an account with the right API address and account SID, and channels for it",
            ),
            CallProblem(
                "unreachable", "The carrier could not be reached.", "check the network, if it goes on"
            ),
            CallProblem("sent_too_late", "The dialer had stopped for a while, and sent no request."),
            CallProblem("refused", "The carrier refused the call.", "look the code up at the carrier"),
            CallProblem("no_answer", "The carrier did not answer in time."),
            CallProblem("carrier_failed", "The carrier reported an error of its own."),
            CallProblem("bad_answer", "The carrier's answer could not be read."),
        )
    }
)
# Why a call was not placed, apart from the carrier's problems.
NOT_REQUESTED: Final = MappingProxyType(
    {
        "worker_lost": "The dialer stopped before it sent the request.",
        "lead_moved_on": "The lead no longer needed a call.",
    }
)


def describe_problem(problem: str, *, code: str = "") -> str:
    """One sentence. `code`: the carrier's error code."""
    known = CALL_PROBLEMS.get(problem)
    text = (known.sentence if known else NOT_REQUESTED.get(problem, "")).rstrip(".")
    text = text or problem.replace("_", " ").capitalize()
    return f"{text} (carrier's code {code})." if code else f"{text}."


def find_change(problem: str) -> str:
    known = CALL_PROBLEMS.get(problem)
    return known.change if known else ""


def describe_clause(problem: str) -> str:
    """Within a sentence."""
    text = describe_problem(problem).rstrip(".")
    return text[:1].lower() + text[1:]
