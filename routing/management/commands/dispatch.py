"""manage.py dispatch: how the dispatch stands, and its switches."""

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
from django.db import OperationalError, ProgrammingError
from redis.exceptions import RedisError

from routing.after_commit import after_commit_try
from routing.dispatch import installation, pauses
from routing.dispatch.installation import OtherInstallation
from routing.dispatch.report import describe_state, tell_pause, tell_state
from routing.dispatch.state import find_problems, read_state
from routing.locks import is_lock_timeout
from routing.management.arguments import describe_operator, read_workspace
from routing.models import Workspace
from tracing.audit import MAX_REASON


class Command(BaseCommand):
    help = (
        "Say how the dispatch stands, or switch it. Paused means that no lead is started, in any dispatch mode: leads"
        " are still taken in, keep their due times, and start when it is resumed. Without --workspace the switch is"
        " the whole product's. Exit code 0: as it should be, or switched (also when it was so already); 1: `status`"
        " found something wrong: no dispatcher lives although a workspace needs one, Redis does not answer, no worker"
        " lives, or a switch in Redis differs from PostgreSQL; 2: wrong arguments, or PostgreSQL does not answer."
        " A pause is nothing wrong. Switching needs PostgreSQL alone; Redis follows."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="status|pause|resume")
        status = actions.add_parser("status", help="who leads, what waits, what is paused and why")
        status.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
        status.add_argument("--workspace", metavar="SLUG", help="tell of this workspace too, paused or not")
        for name, words in (("pause", "start no further lead"), ("resume", "start leads again")):
            switch = actions.add_parser(name, help=words)
            switch.add_argument("--workspace", metavar="SLUG", help="only the leads of this workspace")
            switch.add_argument("--reason", required=True, type=_read_reason, help="kept in the audit")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        with _command_errors():
            workspace = read_workspace(options["workspace"]) if options["workspace"] else None
            if action == "status":
                self._tell_status(workspace, is_json=options["json"])
            else:
                self._switch(action, workspace, reason=options["reason"])

    def _tell_status(self, workspace: Workspace | None, *, is_json: bool) -> None:
        pk = None if workspace is None else workspace.pk
        state = read_state(None)
        problems = [*_find_other_installation(), *find_problems(state)]
        if is_json:
            self.stdout.write(json.dumps(describe_state(state, problems), cls=DjangoJSONEncoder, indent=2))
        else:
            self.stdout.write("\n".join(tell_state(state, problems, chosen_id=pk)))
        if problems:
            sys.exit(1)

    def _switch(self, action: str, workspace: Workspace | None, *, reason: str) -> None:
        pk = None if workspace is None else workspace.pk
        what = "the whole product" if workspace is None else f"workspace {workspace.slug}"
        is_paused = action == "pause"
        to = datetime.now(UTC) if is_paused else None
        is_changed = pauses.switch(pk, to=to, actor=describe_operator(), reason=reason)
        if not is_paused:
            told = "is resumed" if is_changed else "was not paused; nothing was changed"
        elif is_changed:
            told = "is paused; a sale that has begun comes to its end, no further one is made"
        else:
            since = after_commit_try("switch", partial(_tell_since, pk))
            told = f"was paused already{f', {since}' if since else ''}; nothing was changed"
        self.stdout.write(f"dispatch: {what} {told}")
        # The switch holds, whatever becomes of these.
        for tell in (_tell_product, _tell_mirror):
            if more := after_commit_try("switch", partial(tell, pk, is_paused=is_paused)):
                self.stdout.write(more)


def _read_reason(text: str) -> str:
    reason = text.strip()
    if not reason or "\x00" in reason or len(reason) > MAX_REASON:
        message = f"it must have 1 to {MAX_REASON} characters"
        raise ArgumentTypeError(message)
    return reason


@contextmanager
def _command_errors() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        message = "the tables are missing or of another version; run `make migrate` first"
        raise CommandError(message, returncode=2) from error
    except OperationalError as error:
        if is_lock_timeout(error):
            message = "somebody else is switching at this moment; try again"
        else:
            message = f"the database cannot be read: {str(error).splitlines()[0]}"
        raise CommandError(message, returncode=2) from error


def _tell_since(workspace_id: int | None) -> str:
    pause = pauses.read_pause(workspace_id)
    return "and resumed since then" if pause is None else tell_pause(pause)


def _tell_product(workspace_id: int | None, *, is_paused: bool) -> str:
    """A workspace that is resumed starts nothing while the product is paused."""
    product = None if workspace_id is None or is_paused else pauses.read_pause(None)
    if product is None:
        return ""
    return (
        f"The whole product is still paused, {tell_pause(product)}: nothing starts until that is resumed too."
    )


def _tell_mirror(workspace_id: int | None, *, is_paused: bool) -> str:
    """What there is to say of Redis; nothing when it follows."""
    try:
        if not pauses.find_unmirrored({workspace_id: is_paused}):
            return ""
        cause = "Redis says something else"
    except RedisError as error:
        cause = f"Redis does not answer ({type(error).__name__})"
    return f"{cause}. The switch holds all the same, by PostgreSQL; Redis follows within 30 seconds of its return."


def _find_other_installation() -> Iterator[str]:
    """The figures of Redis are then another installation's."""
    try:
        installation.check()
    except OtherInstallation as error:
        yield f"{error}."
    except RedisError:
        return  # the figures say so
