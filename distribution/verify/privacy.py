"""Invariant 9: no trace holds a name, phone number, e-mail or address of the lead it tells of.

The database finds texts in which something of the lead occurs at all; what is a breach is judged value by value:
a county may be called like a person, and a rule's own words are not the lead's.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from distribution.contact import PERSON_COLUMNS, build_person, names_person, recognise
from distribution.verify.findings import Findings, Scope
from distribution.verify.reading import count, stream

CHECKED: Final = """
SELECT (SELECT count(*) FROM tracing_attempt WHERE lead_id >= %(from_lead)s)
    + (SELECT count(*) FROM tracing_leaddistributionevent WHERE lead_id >= %(from_lead)s)
"""

# Cheap and generous: a hit here is only looked at more closely. Names shorter than three letters are in every text.
SUSPECTS: Final = f"""
SELECT told.subject, told.body, {", ".join(f"l.{name}" for name in PERSON_COLUMNS)}
FROM (
    SELECT lead_id, 'attempt ' || id || ' facts' AS subject, facts::text AS body
    FROM tracing_attempt WHERE lead_id >= %(from_lead)s
    UNION ALL
    SELECT lead_id, 'attempt ' || attempt_id || ' event ' || seq, data::text
    FROM tracing_leaddistributionevent WHERE lead_id >= %(from_lead)s AND data <> '{{}}'
) told
LEFT JOIN routing_lead l ON l.id = told.lead_id
CROSS JOIN LATERAL (SELECT lower(told.body) AS low OFFSET 0) body
WHERE position('@' IN body.low) > 0
    OR (length(l.phone) >= 7 AND position(right(l.phone, 7) IN translate(body.low, ' ()-./', '')) > 0)
    OR (length(l.first_name) >= 3 AND position(lower(l.first_name) IN body.low) > 0)
    OR (length(l.last_name) >= 3 AND position(lower(l.last_name) IN body.low) > 0)
    OR (l.first_name <> '' AND l.last_name <> ''
        AND position(lower(l.first_name) IN body.low) > 0 AND position(lower(l.last_name) IN body.low) > 0)
    OR (length(l.address) >= 3 AND position(lower(l.address) IN body.low) > 0)
"""  # noqa: S608 - only column names are put in

# Below these keys stands what a rule wants, not what the lead is.
RULE_KEYS: Final = frozenset({"required", "answer", "value", "applied", "rule"})


def check(scope: Scope, findings: Findings) -> None:
    findings.checked = count(CHECKED, scope)
    for subject, body, *fields in stream(SUSPECTS, scope):
        person = build_person(fields)
        for path, value, is_rule in _texts(json.loads(body)):
            kind = recognise(value, person, is_rule=is_rule)
            if kind is not None:
                findings.add(subject, f"{path} holds {kind}")
        for key in _keys(json.loads(body)):
            if names_person(key, person):
                findings.add(subject, "a key holds the name of the lead")


def _keys(value: Any) -> Iterator[str]:
    """Every key, at any depth: senders choose the names of attributes."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from _keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from _keys(each)


def _texts(value: Any, *, path: str = "", is_rule: bool = False) -> Iterator[tuple[str, str | int, bool]]:
    """Every text and whole number, with where it stands."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, path=f"{path}.{key}".lstrip("."), is_rule=is_rule or key in RULE_KEYS)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, path=f"{path}[{index}]", is_rule=is_rule)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield path, value, is_rule
