"""What happened at the carrier. A record in JSON has:

calls       each call: sid, account, to, from, callee, status, created_at, started_at (dialed), answered_at,
            ended_at, keys, ended_by (callee, script, limit, api, carrier), problem (of a script); UNIX seconds
most_live   for each number that called: the most calls that were live at once, from placed to ended
live        for each number that called: how many are live now
doubled     numbers that were called while another call to them was live
requests    each request to the API: at, method, path, query, form (lists of pairs), status (or the fault of the
            answer), sid of the call that it placed
notices     each callback: sid, kind (status, script, keys, recording), event, sequence, fate (sent, lost, doubled,
            delayed, reordered), tries (HTTP statuses, or connect and read for what failed), at
"""

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

Pairs = list[tuple[str, str]]


@dataclass
class Notice:
    sid: str
    kind: str
    event: str
    sequence: int
    at: float
    fate: str = "sent"
    tries: list[str] = field(default_factory=list)


@dataclass
class Request:
    at: float
    method: str
    path: str
    query: Pairs
    form: Pairs
    status: int | str = 0
    sid: str = ""


@dataclass
class Ledger:
    """Which calls are live, by number. A call is live from the moment at which it is placed."""

    live: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    most_live: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    live_to: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    doubled: list[str] = field(default_factory=list)

    def open(self, sid: str, *, to: str, from_number: str) -> None:
        self.live[from_number].add(sid)
        self.most_live[from_number] = max(self.most_live[from_number], len(self.live[from_number]))
        if self.live_to[to]:
            self.doubled.append(to)
        self.live_to[to].add(sid)

    def close(self, sid: str, *, to: str, from_number: str) -> None:
        self.live[from_number].discard(sid)
        self.live_to[to].discard(sid)

    def describe(self) -> dict[str, Any]:
        return {
            "live": {number: len(sids) for number, sids in self.live.items()},
            "most_live": dict(self.most_live),
            "doubled": self.doubled,
        }


@dataclass
class Record:
    ledger: Ledger = field(default_factory=Ledger)
    requests: list[Request] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        return {
            **self.ledger.describe(),
            "requests": [asdict(each) for each in self.requests],
            "notices": [asdict(each) for each in self.notices],
        }
