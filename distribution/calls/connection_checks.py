"""Asks a carrier whether an account can be used. Places no call. Must run outside a transaction."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from distribution.calls.carrier import CarrierUnavailable, Problem
from distribution.calls.carriers import get_carrier
from distribution.models import CarrierAccount
from tracing.call_problems import describe_problem, find_change
from tracing.wording import duration

ACTIVE: Final = "active"
TRIAL: Final = "Trial"
NO_ACCOUNT: Final = "The carrier has no such account. Check the account SID."
TRIAL_NOTE: Final = " It is a trial account, which calls only phones that you verified at the carrier."
# What is known better when the account alone is asked for.
SENTENCES: Final[Mapping[Problem, str]] = MappingProxyType(
    {Problem.BAD_ANSWER: "What answered at this API address is no carrier with the API of Twilio."}
)
CHECK: Final = "check the API address: it begins with https:// and has no path"
CHANGES: Final[Mapping[Problem, str]] = MappingProxyType(
    {
        Problem.ACCOUNT_REFUSED: "replace the token, or ask the carrier why the account is suspended",
        **dict.fromkeys((Problem.BAD_SETTINGS, Problem.BAD_ANSWER, Problem.UNREACHABLE), CHECK),
    }
)
LATER: Final = "try again in a moment"


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """`sentence`: what to show, with what to do if it does not work."""

    works: bool
    sentence: str


def check_connection(account: CarrierAccount) -> ConnectionCheck:
    started = time.perf_counter()
    try:
        seen = get_carrier(account).read_account()
    except CarrierUnavailable as unavailable:
        return ConnectionCheck(works=False, sentence=_describe(unavailable))
    took = duration((time.perf_counter() - started) * 1000)
    if seen is None:
        return ConnectionCheck(works=False, sentence=NO_ACCOUNT)
    if seen.status != ACTIVE:
        status = f"is {seen.status}" if seen.status else "has no status"
        return ConnectionCheck(works=False, sentence=f"The carrier answered in {took}: the account {status}.")
    note = TRIAL_NOTE if seen.kind == TRIAL else ""
    return ConnectionCheck(
        works=True, sentence=f"The carrier answered in {took}: the account is active.{note}"
    )


def _describe(unavailable: CarrierUnavailable) -> str:
    problem, code = unavailable.problem, unavailable.code
    sentence = SENTENCES.get(problem) or describe_problem(problem.value, code=code)
    change = CHANGES.get(problem) or find_change(problem.value) or LATER
    return f"{sentence} What would have to change: {change}."
