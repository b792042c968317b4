"""What commands that issue API keys have in common: their options, and how a key is printed once."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import OutputWrapper

from distribution.buyers.keys import choose_buyer, end_of_day
from distribution.models import BuyerKey
from routing.access.api_keys import By, IssuedKey, issue, parse_scopes
from routing.intake.sources import find_source
from routing.management.arguments import describe_operator
from routing.models import ScopedKey, SourceKey
from tracing import wording
from tracing.audit import MAX_REASON


def add_key_options(parser: ArgumentParser) -> None:
    parser.add_argument("--name", default="made by command", help="to tell the owner's keys apart")
    add_scopes(parser, help_text="what it may do; give it again for several. Without it: the usual ones")
    parser.add_argument(
        "--expires",
        type=read_day,
        metavar="YYYY-MM-DD",
        help="its last day, in the owner's timezone; without it the key does not expire",
    )
    add_reason(parser)


def add_scopes(parser: ArgumentParser, *, help_text: str) -> None:
    parser.add_argument("--scope", dest="scopes", action="append", default=[], help=help_text)


def add_reason(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", type=read_reason, default="", help="why, for the audit")


def issue_for(
    *,
    source: str = "",
    buyer: str = "",
    workspace: str,
    name: str,
    scopes: Sequence[str],
    expires: date | None,
    reason: str,
) -> IssuedKey:
    """A key of the one source or buyer that is named. Raises KeyRefused, NameNotFound."""
    key: ScopedKey
    if source:
        owner: Any = find_source(source, workspace_slug=workspace)
        key, timezone = SourceKey(source=owner), owner.workspace.timezone
    else:
        owner = choose_buyer(buyer, workspace_slug=workspace)
        key, timezone = BuyerKey(buyer=owner), owner.timezone
    key.name, key.scopes = name, parse_scopes(scopes, model=type(key))
    key.expiry_date = None if expires is None else end_of_day(expires, timezone=timezone)
    return issue(key, at=datetime.now(UTC), by=By(describe_operator(), reason))


def print_once(issued: IssuedKey, *, out: OutputWrapper, err: OutputWrapper) -> None:
    """The key alone goes to stdout: KEY=$(manage.py keys create ...)"""
    key, until = issued.key, issued.key.expiry_date
    ends = f"good until {wording.moment(until)}" if until else "no expiry"
    whose = f"{key.owner.name} in workspace {key.owner.workspace.slug}"
    err.write(f"Key of {whose} with {', '.join(key.granted_scopes)}, {ends}, shown only once:")
    out.write(issued.text)


def read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no day: write 2027-01-31"
        raise ArgumentTypeError(message) from None


def read_reason(text: str) -> str:
    reason = text.strip()
    if "\x00" in reason or len(reason) > MAX_REASON:
        message = f"it must have at most {MAX_REASON} characters"
        raise ArgumentTypeError(message)
    return reason
