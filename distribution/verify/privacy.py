"""Invariant 9: no trace holds a name, phone number, e-mail or address of the lead it tells of.

The database finds texts in which something of the lead occurs at all; what is a breach is judged value by value:
a county may be called like a person, and a rule's own words are not the lead's.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from distribution.verify.findings import Findings, Scope
from distribution.verify.reading import count, stream

CHECKED: Final = """
SELECT (SELECT count(*) FROM tracing_attempt WHERE lead_id >= %(from_lead)s)
    + (SELECT count(*) FROM tracing_leaddistributionevent WHERE lead_id >= %(from_lead)s)
"""

# Cheap and generous: a hit here is only looked at more closely. Names shorter than three letters are in every text.
SUSPECTS: Final = """
SELECT told.subject, told.body, l.email, l.phone, l.first_name, l.last_name, l.address,
    l.city, l.county, l.state, l.zip, l.vertical
FROM (
    SELECT lead_id, 'attempt ' || id || ' facts' AS subject, facts::text AS body
    FROM tracing_attempt WHERE lead_id >= %(from_lead)s
    UNION ALL
    SELECT lead_id, 'attempt ' || attempt_id || ' event ' || seq, data::text
    FROM tracing_leaddistributionevent WHERE lead_id >= %(from_lead)s AND data <> '{}'
) told
LEFT JOIN routing_lead l ON l.id = told.lead_id
CROSS JOIN LATERAL (SELECT lower(told.body) AS low OFFSET 0) body
WHERE position('@' IN body.low) > 0
    OR (length(l.phone) >= 7 AND position(right(l.phone, 7) IN translate(body.low, ' ()-./', '')) > 0)
    OR (length(l.first_name) >= 3 AND position(lower(l.first_name) IN body.low) > 0)
    OR (length(l.last_name) >= 3 AND position(lower(l.last_name) IN body.low) > 0)
    OR (length(l.address) >= 3 AND position(lower(l.address) IN body.low) > 0)
"""

EMAIL: Final = re.compile(r"[^\s@\"'<>]+@[^\s@\"'<>]+\.[^\s@\"'<>]{2,}")
PHONE_PUNCTUATION: Final = str.maketrans("", "", " ()-./")
MIN_NAME: Final = 3
MIN_PHRASE: Final = 8
# Below these keys stands what a rule wants, not what the lead is.
RULE_KEYS: Final = frozenset({"required", "answer", "value", "applied"})


@dataclass(frozen=True, slots=True)
class Person:
    """What must not be told. `names` are looked for as whole values, `phrases` inside them too.

    `public` are the lead's own words that conditions may read.
    """

    email: str
    phone: str
    names: frozenset[str]
    phrases: tuple[str, ...]
    public: frozenset[str]


def check(scope: Scope, findings: Findings) -> None:
    findings.checked = count(CHECKED, scope)
    for subject, body, *fields in stream(SUSPECTS, scope):
        person = _person([value or "" for value in fields])
        for path, value, is_rule in _texts(json.loads(body)):
            kind = _recognise(value, person, is_rule=is_rule)
            if kind is not None:
                findings.add(subject, f"{path} holds {kind}")


def _person(fields: list[str]) -> Person:
    email, phone, first_name, last_name, address, *public = [value.strip().casefold() for value in fields]
    phrases = [address] if len(address) >= MIN_PHRASE else []
    if first_name and last_name:
        phrases.append(f"{first_name} {last_name}")
    return Person(
        email=email,
        phone=phone.removeprefix("+1").removeprefix("+"),
        names=frozenset(name for name in (first_name, last_name, address) if len(name) >= MIN_NAME),
        phrases=tuple(phrases),
        public=frozenset(public),
    )


def _recognise(value: str | int, person: Person, *, is_rule: bool) -> str | None:
    if isinstance(value, int):
        # Only as a whole: a seed or a rank may hold any digits.
        return "the lead's phone number" if str(value) in (person.phone, f"1{person.phone}") else None
    folded = value.strip().casefold()
    if EMAIL.search(folded) or (person.email and person.email in folded):
        return "an e-mail address"
    if person.phone and person.phone in folded.translate(PHONE_PUNCTUATION):
        return "the lead's phone number"
    if is_rule or folded in person.public:
        return None
    if folded in person.names or any(phrase in folded for phrase in person.phrases):
        return "a name or the address of the lead"
    return None


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
