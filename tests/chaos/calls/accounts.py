"""Compares the carrier's own record with the tables at the end. It uses none of the product's own checks."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tests.carrier.callees import CALLEES, HUMAN
from tests.chaos.calls.world import World
from tests.chaos.findings import Findings
from tests.chaos.playing import CHARGED_ONCE, check_tables, read_rows

CHECKS: Final[Mapping[str, str]] = {
    **CHARGED_ONCE,
    "lines that are not free": "SELECT 'call ' || id FROM distribution_call WHERE ended_at IS NULL",
    "leads that neither ended nor are scheduled": """
        SELECT 'lead ' || l.id || ' ' || l.status FROM routing_lead l
        WHERE l.status IN ('calling', 'pending') OR (l.status = 'gated' AND NOT EXISTS (
            SELECT FROM distribution_verification v WHERE v.lead_id = l.id AND v.state = 'waiting' AND v.due_at > now()
        ))
    """,
    "reports that could not be applied": """
        SELECT 'report ' || id FROM distribution_callnotice WHERE result = 'failed'
    """,
    "reports that wait": "SELECT 'report ' || id FROM distribution_callnotice WHERE applied_at IS NULL",
    "sold leads whose person did not confirm": """
        SELECT 'lead ' || l.id FROM routing_lead l JOIN distribution_assignment a ON a.lead_id = l.id
        WHERE NOT EXISTS (SELECT FROM distribution_call c WHERE c.lead_id = l.id AND c.key = '1')
    """,
}
CALLS: Final = """
SELECT c.carrier_sid, c.public_id::text, c.outcome, c.dial, c.hang_up_at IS NOT NULL, c.ended_by
FROM distribution_call c
"""
# In the address of the script, which each request has.
PUBLIC_ID: Final = re.compile(r"/calls/([0-9a-f-]{36})/")
KEYS: Final = {"1": "confirmed", "2": "declined", "9": "opted_out"}
ENDS: Final = {"busy": "busy", "no-answer": "no_answer", "failed": "failed", "canceled": "canceled"}
# A request that was answered with an error of the carrier before it placed anything.
REFUSED: Final = (401, 429, 503)


@dataclass(frozen=True, slots=True)
class Row:
    """A call in the tables."""

    sid: str | None
    public_id: str
    outcome: str
    dial: str
    is_hung_up: bool
    ended_by: str


def examine(findings: Findings, *, record: Mapping[str, Any], world: World) -> None:
    check_tables(findings, CHECKS)
    rows = [Row(*row) for row in read_rows(CALLS)]  # type: ignore[arg-type]
    for check, examples in compare(record, rows, world).items():
        findings.add(check, len(examples), examples[0])


def compare(record: Mapping[str, Any], rows: Sequence[Row], world: World) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for check, example in _compare(record, rows, world):
        found.setdefault(check, []).append(example)
    return found


def _compare(record: Mapping[str, Any], rows: Sequence[Row], world: World) -> Iterator[tuple[str, str]]:
    yield from _count_lines(record, world)
    for phone in record["doubled"]:
        yield "phones that were called twice at once", phone
    yield from _check_hours(record["calls"], world)
    yield from _check_requests(record["requests"])
    yield from _check_outcomes(record, rows)


def _count_lines(record: Mapping[str, Any], world: World) -> Iterator[tuple[str, str]]:
    for channel in world.channels:
        most = record["most_live"].get(channel.number, 0)
        if most > channel.lines:
            yield "numbers with more calls than lines", f"{channel.number}: {most} on {channel.lines} lines"
        if record["live"].get(channel.number, 0):
            yield "calls that are live at the carrier", channel.number


def _check_hours(calls: Sequence[Mapping[str, Any]], world: World) -> Iterator[tuple[str, str]]:
    for call in calls:
        at = datetime.fromtimestamp(call["started_at"] or call["created_at"], tz=UTC)
        if not world.find_place(call["to"]).is_open(at):
            yield "people who were called outside the hours of their state", f"{call['to']} at {at}"


def _check_requests(requests: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    asked = Counter(name for each in requests if (name := _name(each)))
    for name, count in asked.items():
        if count > 1:
            yield "calls that were requested more than once", name


def _name(request: Mapping[str, Any]) -> str:
    """The public id of our row; "" if it is no request to place a call."""
    url = dict(request["form"]).get("Url", "")
    found = PUBLIC_ID.search(url)
    return found[1] if found else ""


def _check_outcomes(record: Mapping[str, Any], rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    by_sid = {row.sid: row for row in rows if row.sid}
    heard = _find_heard_keys(record["notices"])
    names = {each["sid"]: _name(each) for each in record["requests"] if each["sid"]}
    for call in record["calls"]:
        row = by_sid.get(call["sid"])
        if row is None:
            yield "calls of the carrier without a row", call["sid"]
        elif row.ended_by == "dial":
            yield "calls that count as not placed although the carrier has them", f"{row.sid}: {row.outcome}"
        elif names.get(call["sid"]) not in (None, row.public_id):
            yield "calls of the carrier that belong to another row", call["sid"]
        elif row.outcome not in expect(call, is_heard=call["sid"] in heard):
            wanted = " or ".join(sorted(expect(call, is_heard=call["sid"] in heard)))
            yield "calls with another outcome than at the carrier", f"{row.sid}: {row.outcome}, not {wanted}"


def _find_heard_keys(notices: Sequence[Mapping[str, Any]]) -> set[str]:
    """Calls whose key we have answered for. Of another key the carrier does not know whether it arrived."""
    return {
        each["sid"]
        for each in notices
        if each["kind"] == "keys" and any(tried.startswith("2") for tried in map(str, each["tries"]))
    }


def expect(call: Mapping[str, Any], *, is_heard: bool) -> set[str]:
    """What the callee did, as an outcome."""
    key = str(call["keys"])[:1]
    silent = (
        ENDS[call["status"]]
        if call["status"] in ENDS
        else ("no_input" if CALLEES[call["callee"]].answered_by == HUMAN else "voicemail")
    )
    if not key:
        return {silent}
    return {KEYS[key]} if is_heard else {KEYS[key], silent}
