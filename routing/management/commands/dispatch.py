"""`manage.py dispatch`: shows the state of the dispatch, pauses it and resumes it."""

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError
from redis.exceptions import RedisError

from routing.after_commit import after_commit_try
from routing.dispatch import installation, pauses
from routing.dispatch.installation import OtherInstallation
from routing.dispatch.problems import find_problems
from routing.dispatch.report import describe_pause, describe_state, state_document
from routing.dispatch.state import read_state
from routing.management.arguments import describe_operator, read_workspace
from routing.management.database_errors import readable_database
from routing.models import Workspace
from tracing.audit import MAX_REASON
from tracing.locks import is_lock_timeout


class Command(BaseCommand):
    help = (
        "Show the state of the dispatch, pause it, or resume it. While it is paused, no lead starts, in any"
        " dispatch mode. Leads are still accepted and keep their due times; they start when it is resumed."
        " Without --workspace, pause and resume apply to the whole product. Exit code 0: no problems, or"
        " paused or resumed (also if it already was); 1: `status` found problems, such as no dispatcher, two"
        " that lead, no worker, a Redis that does not respond, or a pause that is out of date in Redis; 2:"
        " wrong arguments, or PostgreSQL does not respond. A pause is not a problem. Pausing and resuming need"
        " only PostgreSQL; Redis follows."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="status|pause|resume")
        status = actions.add_parser("status", help="show who leads, what waits, what is paused and why")
        status.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
        status.add_argument("--workspace", metavar="SLUG", help="include this workspace, paused or not")
        for name, words in (("pause", "stop starting leads"), ("resume", "start leads again")):
            switch = actions.add_parser(name, help=words)
            switch.add_argument("--workspace", metavar="SLUG", help="only the leads of this workspace")
            switch.add_argument(
                "--reason", required=True, type=_read_reason, help="recorded in the audit log"
            )

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        with _command_errors():
            workspace = read_workspace(options["workspace"]) if options["workspace"] else None
            if action == "status":
                self._show_status(workspace, is_json=options["json"])
            else:
                self._switch(action, workspace, reason=options["reason"])

    def _show_status(self, workspace: Workspace | None, *, is_json: bool) -> None:
        pk = None if workspace is None else workspace.pk
        state = read_state(None)
        problems = [*_find_other_installation(), *find_problems(state)]
        if is_json:
            self.stdout.write(json.dumps(state_document(state, problems), cls=DjangoJSONEncoder, indent=2))
        else:
            self.stdout.write("\n".join(describe_state(state, problems, chosen_id=pk)))
        if problems:
            sys.exit(1)

    def _switch(self, action: str, workspace: Workspace | None, *, reason: str) -> None:
        pk = None if workspace is None else workspace.pk
        what = "the whole product" if workspace is None else f"workspace {workspace.slug}"
        is_paused = action == "pause"
        to = datetime.now(UTC) if is_paused else None
        is_changed = pauses.switch(pk, to=to, actor=describe_operator(), reason=reason)
        if not is_paused:
            outcome = "was resumed" if is_changed else "was not paused; nothing was changed"
        elif is_changed:
            outcome = "is paused; a sale that has already begun completes, and no new sale is made"
        else:
            since = after_commit_try("switch", partial(_describe_since, pk))
            outcome = f"was already paused{f', {since}' if since else ''}; nothing was changed"
        self.stdout.write(f"dispatch: {what} {outcome}")
        # The change is committed, whether or not these succeed.
        for describe in (_describe_product, _describe_mirror):
            if more := after_commit_try("switch", partial(describe, pk, is_paused=is_paused)):
                self.stdout.write(more)


def _read_reason(text: str) -> str:
    reason = text.strip()
    if not reason or "\x00" in reason or len(reason) > MAX_REASON:
        message = f"it must have 1 to {MAX_REASON} characters"
        raise ArgumentTypeError(message)
    return reason


@contextmanager
def _command_errors() -> Iterator[None]:
    with readable_database():
        try:
            yield
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            message = "another operator is pausing or resuming right now; try again"
            raise CommandError(message, returncode=2) from error


def _describe_since(workspace_id: int | None) -> str:
    pause = pauses.read_pause(workspace_id)
    return "and has been resumed since" if pause is None else describe_pause(pause)


def _describe_product(workspace_id: int | None, *, is_paused: bool) -> str:
    """A resumed workspace starts no lead while the product is paused."""
    product = None if workspace_id is None or is_paused else pauses.read_pause(None)
    if product is None:
        return ""
    return f"The whole product is still paused, {describe_pause(product)}. No lead starts until it is resumed too."


def _describe_mirror(workspace_id: int | None, *, is_paused: bool) -> str:
    """Describe why Redis does not show the change yet; "" if it does."""
    try:
        if not pauses.find_unmirrored({workspace_id: is_paused}):
            return ""
        cause = "Redis is out of date"
    except RedisError as error:
        cause = f"Redis does not respond ({type(error).__name__})"
    return f"{cause}. The change is in force in PostgreSQL. Redis follows within 30 seconds after it is back."


def _find_other_installation() -> Iterator[str]:
    """Yield a problem if the figures from Redis belong to another installation."""
    try:
        installation.check()
    except OtherInstallation as error:
        yield f"{error}."
    except RedisError:
        return  # the state reports that Redis does not respond
