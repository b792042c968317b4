"""Reads a setup file: parses YAML and checks field names and amounts. Uses no database."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, Final

import yaml

DOLLARS: Final = "_dollars"
CENTS: Final = "_cents"
MAX_CHARACTERS: Final = 1_000_000


class SetupRefused(Exception):
    """The file cannot be applied; nothing was stored. Each problem names its path and the fix."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class EntryKind:
    """The fields and lists of one kind of row. `key` identifies the row in its list."""

    key: str
    fields: frozenset[str]
    lists: Mapping[str, "EntryKind"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the file. `fields` have the model's names, so amounts are in cents."""

    path: str
    key: Any
    fields: dict[str, Any]
    lists: dict[str, list["Entry"]]


def _make_kind(key: str, fields: str, **lists: EntryKind) -> EntryKind:
    return EntryKind(key, frozenset({key, *fields.split()}), lists)


TIER: Final = _make_kind("position", "name content_filter price_dollars head_start_seconds")
ENROLLMENT: Final = _make_kind(
    "buyer",
    "tier active weight priority bid_dollars standing_bids margin_bps lead_filter cap_hour cap_day cap_week cap_month"
    " budget_hour_dollars budget_day_dollars budget_week_dollars budget_month_dollars",
)
CAMPAIGN: Final = _make_kind(
    "name",
    "vertical source priority active mode price_dollars price_rules max_buyers sells_on post_deadline_seconds"
    " offer_seconds offer_fields offer_fallback fallback_mode"
    " bid_deadline_ms reserve_dollars margin_bps penalizes_returns shows_price_to_win"
    " verification consent_kind unverified_end unverified_percent"
    " timezone schedule questions"
    " returns_restore_caps",
    tiers=TIER,
    enrollments=ENROLLMENT,
)
BUYER: Final = _make_kind(
    "name", "timezone service_area answers hours credit_limit_dollars opening_balance_dollars"
)
CONTRACT: Final = _make_kind("valid_from", "pays amount_dollars share_bps returns_deducted")
SOURCE: Final = _make_kind(
    "name", "default_vertical active intake_mode ping_seconds after_promise", contracts=CONTRACT
)
RETURN_POLICY: Final = _make_kind(
    "buyer",
    "active window_hours reasons evidence limit_basis limit_value limit_period automatic_reasons automatic_hours"
    " automatic_percent resells resale_hours",
)
CALL_POLICY: Final = _make_kind(
    "campaign",
    "max_calls busy_minutes busy_calls no_answer_minutes no_answer_calls voicemail_minutes voicemail_calls"
    " no_input_minutes no_input_calls failed_minutes failed_calls ring_seconds script needs_consent records_calls",
)
WORKSPACE: Final = _make_kind(
    "slug",
    "name kind timezone lead_ttl_days hours max_attempts duplicate_scope duplicate_days duplicate_same_vertical",
)
LISTS: Final = {
    "sources": SOURCE,
    "buyers": BUYER,
    "campaigns": CAMPAIGN,
    "return_policies": RETURN_POLICY,
    "call_policies": CALL_POLICY,
}
EVERY_BUYER: Final = "*"  # in place of a buyer: all that have no policy of their own


class _Loader(yaml.SafeLoader):
    """Reads plain values as YAML 1.2: 09:00 and 02134 are text, `on` and `no` are not booleans. Refuses double keys."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", "true|false|True|False", [*"tfTF"]),
    ("null", "null|Null|~|", [*"nN~", ""]),
    ("int", "-?(0|[1-9][0-9]*)", [*"-0123456789"]),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", [*"-0123456789"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            problem = f"the key {key!r} is given twice"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def read_document(text: str) -> Entry:
    """Return the workspace with its lists. Raises SetupRefused with every problem."""
    document = _load(text)
    if not isinstance(document, dict):
        raise SetupRefused(
            ["the file must be a mapping with `workspace`, `sources`, `buyers` and `campaigns`"]
        )
    problems: list[str] = []
    known = ["workspace", *LISTS]
    problems += [f"{name}: unknown; {_suggest(str(name), known)}" for name in document if name not in known]
    entry = _read_entry(document.get("workspace"), path="workspace", kind=WORKSPACE, problems=problems)
    lists = {
        name: list(_read_list(document.get(name), path=name, kind=kind, problems=problems))
        for name, kind in LISTS.items()
    }
    if problems or entry is None:
        raise SetupRefused(problems)
    return Entry(entry.path, entry.key, entry.fields, lists)


def _load(text: str) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise SetupRefused(
            [f"the file: it has {len(text):,} characters, but at most {MAX_CHARACTERS:,} are allowed"]
        )
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise SetupRefused([f"the file is not valid YAML: {' '.join(str(error).split())}"]) from None


def _read_list(value: Any, *, path: str, kind: EntryKind, problems: list[str]) -> Iterator[Entry]:
    """Yield the entries of a list. Each key may occur once."""
    if value is None:
        return
    if not isinstance(value, list):
        problems.append(f"{path}: write a list, with a dash before each entry")
        return
    seen: set[Any] = set()
    for index, item in enumerate(value):
        entry = _read_entry(item, path=f"{path}[{index}]", kind=kind, problems=problems)
        if entry is None:
            continue
        if entry.key in seen:
            problems.append(f"{entry.path}.{kind.key}: {entry.key!r} is in this list twice; remove one")
        seen.add(entry.key)
        yield entry


def _read_entry(value: Any, *, path: str, kind: EntryKind, problems: list[str]) -> Entry | None:
    if not isinstance(value, dict):
        problems.append(f"{path}: write {kind.key} and the other fields below it")
        return None
    known = [*sorted(kind.fields), *kind.lists]
    problems += [
        f"{path}.{name}: unknown; {_suggest(str(name), known)}" for name in value if name not in known
    ]
    key = value.get(kind.key)
    if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
        problems.append(f"{path}.{kind.key}: is required")
        return None
    fields = {}
    for name in sorted(kind.fields & value.keys()):
        try:
            fields[_column(name)] = _read_value(name, value[name])
        except ValueError as error:
            problems.append(f"{path}.{name}: {error}")
    lists = {
        name: list(_read_list(value.get(name), path=f"{path}.{name}", kind=child, problems=problems))
        for name, child in kind.lists.items()
    }
    return Entry(path, key, fields, lists)


def _column(name: str) -> str:
    return f"{name.removesuffix(DOLLARS)}{CENTS}" if name.endswith(DOLLARS) else name


def field_name(column: str) -> str:
    """Return the file's name for a column."""
    return f"{column.removesuffix(CENTS)}{DOLLARS}" if column.endswith(CENTS) else column


def _read_value(name: str, value: Any) -> Any:
    """Cents for an amount in dollars, else the value. Raises ValueError."""
    if not name.endswith(DOLLARS) or value is None:
        return value
    try:
        cents = Decimal(str(value).strip().removeprefix("$").replace(",", "")) * 100
    except InvalidOperation:
        cents = Decimal("NaN")
    if isinstance(value, bool) or not cents.is_finite() or cents != cents.to_integral_value():
        message = f"{value!r} is not an amount in dollars; write 45 or 45.50"
        raise ValueError(message)
    return int(cents)


def _suggest(name: str, known: list[str]) -> str:
    close = [each for each in known if each.startswith(f"{name}_")] or get_close_matches(name, known, n=1)
    return f"did you mean {' or '.join(close)}?" if close else f"use {', '.join(known)}"
