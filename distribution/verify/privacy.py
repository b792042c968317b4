"""Invariant 9: no trace has a name, phone number, email address or street address of its lead.

Neither have the gates that refused a claim. The check of the trace first searches all text of an attempt at once. If
it finds anything, it judges each value: a county may have the name of a person, and the words of a rule are not the
lead's.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import connection

from distribution.explain.personal_data import (
    MIN_NAME,
    PERSON_COLUMNS,
    PHONE_PUNCTUATION,
    build_person,
    names_person,
    recognize,
)
from distribution.verify.findings import Findings
from distribution.verify.reading import count, stream
from distribution.verify.slices import Slice, in_attempts, in_leads

SUSPECTS_PER_QUERY: Final = 200
# Fewer digits of a phone number also occur in other numbers.
PHONE_DIGITS: Final = 7

CHECKED: Final = f"""
SELECT (SELECT count(*) FROM tracing_attempt WHERE {in_attempts("id", "lead_id")})
    + (SELECT count(*) FROM tracing_leaddistributionevent WHERE {in_attempts("attempt_id", "lead_id")})
"""  # noqa: S608 - only conditions are put in

# Python converts the texts to lower case: SQL takes ten times as long.
TEXTS: Final = f"""
SELECT traced.attempt_id, traced.bodies, l.phone, l.first_name, l.last_name, l.address
FROM (
    SELECT attempt_id, lead_id, string_agg(body, ' ') AS bodies FROM (
        SELECT id AS attempt_id, lead_id, facts::text AS body
        FROM tracing_attempt WHERE {in_attempts("id", "lead_id")}
        UNION ALL
        SELECT attempt_id, lead_id, data::text
        FROM tracing_leaddistributionevent WHERE {in_attempts("attempt_id", "lead_id")} AND data <> '{{}}'
    ) parts GROUP BY attempt_id, lead_id
) traced
LEFT JOIN routing_lead l ON l.id = traced.lead_id
"""  # noqa: S608 - only conditions are put in

PARTS: Final = f"""
SELECT traced.subject, traced.body, {", ".join(f"l.{name}" for name in PERSON_COLUMNS)}
FROM (
    SELECT lead_id, 'attempt ' || id || ' facts' AS subject, facts::text AS body
    FROM tracing_attempt WHERE id = ANY(%s)
    UNION ALL
    SELECT lead_id, 'attempt ' || attempt_id || ' event ' || seq, data::text
    FROM tracing_leaddistributionevent WHERE attempt_id = ANY(%s) AND data <> '{{}}'
) traced
LEFT JOIN routing_lead l ON l.id = traced.lead_id
ORDER BY traced.subject
"""  # noqa: S608 - only column names are put in

# A refused claim has no attempt: its gates are at the buyer's place in the offer.
REFUSALS: Final = f"""
SELECT 'claim of buyer ' || b.buyer_id || ' for lead ' || o.lead_id, b.lost_gates::text,
    {", ".join(f"l.{name}" for name in PERSON_COLUMNS)}
FROM distribution_offer o
JOIN distribution_offerbuyer b ON b.offer_id = o.id AND b.lost_gates <> '[]'
LEFT JOIN routing_lead l ON l.id = o.lead_id
WHERE {in_leads("o.lead_id")}
ORDER BY b.id
"""  # noqa: S608 - only a condition and column names are put in

# Values under these keys are from a rule, not from the lead.
RULE_KEYS: Final = frozenset({"required", "answer", "value", "applied", "rule"})


def check(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    suspects = _suspects(part)
    while some := list(islice(suspects, SUSPECTS_PER_QUERY)):
        _judge(some, findings)


def check_refusals(part: Slice, findings: Findings) -> None:
    for subject, body, *fields in stream(REFUSALS, part):
        findings.checked += 1
        _judge_part(subject, json.loads(body), fields, findings)


def _suspects(part: Slice) -> Iterator[UUID]:
    """Yield attempts whose text may have personal data of their lead, each once."""
    seen: set[UUID] = set()
    for attempt_id, bodies, *person in stream(TEXTS, part):
        if attempt_id not in seen and _may_contain(bodies.lower(), *(_as_stored(value) for value in person)):
            seen.add(attempt_id)
            yield attempt_id


def _as_stored(value: str | None) -> str:
    """Return the value as it is written inside JSON text."""
    return json.dumps((value or "").strip().lower(), ensure_ascii=False)[1:-1]


def _may_contain(text: str, phone: str, first_name: str, last_name: str, address: str) -> bool:
    """A fast, broad search; matches are judged later. Names of two letters occur in every text, so they need both."""
    if "@" in text:
        return True
    if len(phone) >= PHONE_DIGITS and phone[-PHONE_DIGITS:] in text.translate(PHONE_PUNCTUATION):
        return True
    has_first, has_last = first_name in text, last_name in text
    return (
        (has_first and len(first_name) >= MIN_NAME)
        or (has_last and len(last_name) >= MIN_NAME)
        or (has_first and has_last and first_name != "" and last_name != "")
        or (len(address) >= MIN_NAME and address in text)
    )


def _judge(attempts: Sequence[UUID], findings: Findings) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PARTS, [list(attempts), list(attempts)])
        parts = cursor.fetchall()
    for subject, body, *fields in parts:
        _judge_part(subject, json.loads(body), fields, findings)


def _judge_part(subject: str, body: Any, fields: Sequence[str | None], findings: Findings) -> None:
    person = build_person(fields)
    for path, value, is_rule in _texts(body):
        kind = recognize(value, person, is_rule=is_rule)
        if kind is not None:
            findings.add(subject, f"{path} holds {kind}")
    for key in _keys(body):
        if names_person(key, person):
            findings.add(subject, "a key holds the name of the lead")


def _keys(value: Any) -> Iterator[str]:
    """Yield every key at any depth, because senders choose the names of attributes."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from _keys(each)


def _texts(value: Any, *, path: str = "", is_rule: bool = False) -> Iterator[tuple[str, str | int, bool]]:
    """Yield every text and whole number, with its path."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, path=f"{path}.{key}".lstrip("."), is_rule=is_rule or key in RULE_KEYS)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, path=f"{path}[{index}]", is_rule=is_rule)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield path, value, is_rule
