"""`manage.py keys`: lists, creates, rotates and revokes the API keys of sources, buyers and workspaces."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from distribution.buyers.key_list import KeyNotFound, describe_key, find_key, get_key_state, list_keys
from distribution.management.keyarguments import (
    add_key_options,
    add_reason,
    issue_for,
    print_once,
    start_key,
)
from routing.access.api_keys import Author, KeyRefused, revoke, rotate
from routing.access.named import NameNotFound
from routing.management.arguments import describe_operator, read_workspace
from routing.models import ScopedKey
from tracing import wording
from tracing.parsing import number_argument

OVERLAP_HOURS = 24
MAX_OVERLAP_HOURS = 24 * 365
BUYER_HINT = (
    "Send requests to  /api/v1/buyer/me/  with the header  Authorization: Api-Key <key>  (see /api/docs/)"
)


class Command(BaseCommand):
    help = (
        "List, create, rotate and revoke the API keys of sources, buyers and workspaces. A new key is printed to stdout"
        " only once, and only its hash is stored. Rotating creates a key with the same scopes and ends the old one"
        " after an overlap in which both work. Every change is in the audit log. Exit code 2: nothing was done; the"
        " message says why."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|create|rotate|revoke")
        shown = actions.add_parser("list", help="list active keys, without secrets and hashes")
        _add_owner(shown, is_required=False)
        shown.add_argument("--all", action="store_true", help="include revoked and expired keys")
        shown.add_argument("--json", action="store_true", help="print one JSON list")
        made = actions.add_parser("create", help="create another key for a source, a buyer or a workspace")
        _add_owner(made, is_required=True)
        add_key_options(made)
        rotated = actions.add_parser("rotate", help="replace a key")
        rotated.add_argument("prefix", help="the part of the key before the dot, as `keys list` shows it")
        rotated.add_argument(
            "--overlap-hours",
            type=number_argument(lowest=0, highest=MAX_OVERLAP_HOURS),
            default=OVERLAP_HOURS,
            help=f"how many hours the old key still works (default {OVERLAP_HOURS}; 0: it ends now)",
        )
        add_reason(rotated)
        revoked = actions.add_parser("revoke", help="end a key immediately and permanently")
        revoked.add_argument("prefix", help="the part of the key before the dot, as `keys list` shows it")
        add_reason(revoked)

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        with _refusals_as_errors():
            actions = {
                "list": self._list,
                "create": self._create,
                "rotate": self._rotate,
                "revoke": self._revoke,
            }
            actions[action](**options)

    def _list(self, **options: Any) -> None:
        at = datetime.now(UTC)
        if options["workspace"]:
            read_workspace(options["workspace"])
        if options["for_workspace"]:
            read_workspace(options["for_workspace"])
        owner = {name: options[name] for name in ("source", "buyer", "for_workspace")}
        found = list_keys(**owner, workspace_slug=options["workspace"])
        keys = [key for key in found if options["all"] or get_key_state(key, at=at) == "active"]
        if options["json"]:
            self.stdout.write(json.dumps([describe_key(key, at=at) for key in keys], indent=2))
            return
        for key in keys:
            self.stdout.write(_describe_line(key, at=at))
        self.stderr.write(wording.count(len(keys), "key") + ".")

    def _create(self, **options: Any) -> None:
        key = start_key(**{name: options[name] for name in ("source", "buyer", "for_workspace", "workspace")})
        issued = issue_for(key, **{name: options[name] for name in ("name", "scopes", "expires", "reason")})
        print_once(issued, out=self.stdout, err=self.stderr)
        if options["buyer"]:
            self.stderr.write(BUYER_HINT)

    def _rotate(self, *, prefix: str, overlap_hours: int, reason: str, **_: Any) -> None:
        at, old = datetime.now(UTC), find_key(prefix)
        issued = rotate(
            old, overlap=timedelta(hours=overlap_hours), at=at, by=Author(describe_operator(), reason)
        )
        old.refresh_from_db()
        print_once(issued, out=self.stdout, err=self.stderr)
        self.stderr.write(f"The old key {old.prefix} works until {wording.moment(old.expiry_date or at)}.")

    def _revoke(self, *, prefix: str, reason: str, **_: Any) -> None:
        key = find_key(prefix)
        is_changed = revoke(key, by=Author(describe_operator(), reason))
        self.stdout.write(f"The key {key.prefix} {'is revoked' if is_changed else 'was already revoked'}.")


def _add_owner(parser: ArgumentParser, *, is_required: bool) -> None:
    owner = parser.add_mutually_exclusive_group(required=is_required)
    owner.add_argument("--source", default="", metavar="NAME", help="the source that owns the key")
    owner.add_argument(
        "--buyer", default="", metavar="BUYER", help="the buyer that owns the key: name, public id, or id"
    )
    owner.add_argument("--for-workspace", default="", metavar="SLUG", help="the workspace that owns the key")
    parser.add_argument(
        "--workspace", default="", metavar="SLUG", help="needed if more than one has that name"
    )


def _describe_line(key: ScopedKey, *, at: datetime) -> str:
    known = describe_key(key, at=at)
    until = f", until {known['expires_at']}" if known["expires_at"] else ""
    scopes = " ".join(known["scopes"])
    used = "never used" if key.last_used_at is None else f"last used {wording.moment(key.last_used_at)}"
    return (
        f"{key.prefix}  {known['state']:<8}{known['kind']} {known['owner']} ({known['workspace']})"
        f"  {known['name']!r}  {scopes}{until}, {used}"
    )


@contextmanager
def _refusals_as_errors() -> Iterator[None]:
    try:
        yield
    except (KeyRefused, KeyNotFound, NameNotFound) as error:
        raise CommandError(str(error), returncode=2) from None
