"""The options of `manage.py keys`, and how a new key is printed once."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import UTC, date, datetime

from django.core.management.base import OutputWrapper

from distribution.buyers.keys import choose_buyer, end_of_day
from distribution.models import BuyerKey, WorkspaceKey, expand_presets
from routing.access.api_keys import Author, IssuedKey, issue, parse_scopes
from routing.intake.sources import find_source
from routing.management.arguments import describe_operator, read_workspace
from routing.models import ScopedKey, SourceKey
from tracing import wording
from tracing.audit import MAX_REASON


def add_key_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--name", default="made by command", help="the key's name, to tell the owner's keys apart"
    )
    add_scopes(
        parser,
        help_text="a scope of the key, or read, write or money for a buyer's key; repeat for more."
        " Default: the usual scopes",
    )
    parser.add_argument(
        "--expires",
        type=read_day,
        metavar="YYYY-MM-DD",
        help="the key's last day, in the owner's time zone; by default the key does not expire",
    )
    add_reason(parser)


def add_scopes(parser: ArgumentParser, *, help_text: str) -> None:
    parser.add_argument("--scope", dest="scopes", action="append", default=[], help=help_text)


def add_reason(parser: ArgumentParser) -> None:
    parser.add_argument("--reason", type=read_reason, default="", help="the reason, for the audit log")


def start_key(*, source: str, buyer: str, for_workspace: str, workspace: str) -> ScopedKey:
    """Return an unsaved key of the named source, buyer or workspace. Raises NameNotFound, CommandError."""
    if source:
        return SourceKey(source=find_source(source, workspace_slug=workspace))
    if buyer:
        return BuyerKey(buyer=choose_buyer(buyer, workspace_slug=workspace))
    return WorkspaceKey(workspace=read_workspace(for_workspace))


def issue_for(
    key: ScopedKey, *, name: str, scopes: Sequence[str], expires: date | None, reason: str
) -> IssuedKey:
    """Raises KeyRefused."""
    timezone = key.owner.timezone if hasattr(key.owner, "timezone") else key.owner_workspace.timezone
    named = expand_presets(scopes) if isinstance(key, BuyerKey) else scopes
    key.name, key.scopes = name, parse_scopes(named, model=type(key))
    key.expiry_date = None if expires is None else end_of_day(expires, timezone=timezone)
    return issue(key, at=datetime.now(UTC), by=Author(describe_operator(), reason))


def print_once(issued: IssuedKey, *, out: OutputWrapper, err: OutputWrapper) -> None:
    """Only the key goes to stdout: KEY=$(manage.py keys create ...)"""
    key, until = issued.key, issued.key.expiry_date
    ends = f"valid until {wording.moment(until)}" if until else "without an expiration"
    whose = describe_owner(key)
    err.write(f"Key of {whose} with {', '.join(key.granted_scopes)}, {ends}, shown only once:")
    out.write(issued.text)


def describe_owner(key: ScopedKey) -> str:
    workspace = f"workspace {key.owner_workspace.slug}"
    return workspace if isinstance(key, WorkspaceKey) else f"{key.owner.name} in {workspace}"


def read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a date: write it like 2027-01-31"
        raise ArgumentTypeError(message) from None


def read_reason(text: str) -> str:
    reason = text.strip()
    if "\x00" in reason or len(reason) > MAX_REASON:
        message = f"it must have at most {MAX_REASON} characters"
        raise ArgumentTypeError(message)
    return reason
