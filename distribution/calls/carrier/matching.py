"""Decides which calls of a carrier's list may be the one that is looked for. Pure.

What the carrier leaves out speaks against no call. What it says and cannot be this phone does: such a call belongs to
another system of the account, and is neither taken over nor ended.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from distribution.calls.carrier.values import CallSeen

LEAST_DIGITS: Final = 7
# Of an address that is no plain number. A client, a SIM or a messenger has another one, and is no phone.
SCHEME: Final = re.compile(r"([a-z][a-z0-9.+-]*):", re.IGNORECASE)
OF_PHONES: Final = frozenset({"sip", "sips", "tel"})


def is_between(call: CallSeen, from_number: str, to: str) -> bool:
    """A carrier may write the numbers in a form of its own, or leave them out."""
    return _is_same(call.to, to) and _is_same(call.from_number, from_number)


def is_older(call: CallSeen, since: datetime) -> bool:
    """A call without a time is kept: it may be the one that is looked for."""
    return call.created_at is not None and call.created_at < since.replace(microsecond=0)


def is_past(page: Sequence[CallSeen], since: datetime) -> bool:
    """All further pages are older. Only if the page is in that order: it is not promised."""
    times = [call.created_at for call in page if call.created_at is not None]
    is_ordered = len(times) == len(page) and times == sorted(times, reverse=True)
    return is_ordered and bool(page) and is_older(page[-1], since)


def _is_same(seen: str, number: str) -> bool:
    seen = seen.strip()
    if not seen:
        return True
    digits, wanted = _read_digits(seen), _read_digits(number)
    is_local = len(digits) >= LEAST_DIGITS and wanted.endswith(digits)
    return is_local or digits.endswith(wanted)


def _read_digits(address: str) -> str:
    """Of +1 (404) 555-0101, of tel:+14045550101;ext=2 or of sip:+14045550101@10.0.0.1. Blank if it is no phone's."""
    scheme = SCHEME.match(address)
    if scheme is not None and scheme[1].lower() not in OF_PHONES:
        return ""
    user = address[scheme.end() if scheme else 0 :].partition("@")[0].partition(";")[0]
    return "".join(each for each in user if each in "0123456789")
