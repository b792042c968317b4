"""Reads the arguments of commands. Errors list the possible values and exit with code 2."""

from collections.abc import Sequence
from getpass import getuser

from django.core.management.base import CommandError

from routing.access.named import NameNotFound, find_workspace
from routing.models import Lead, Workspace
from routing.queries import find_leads


def read_lead(text: str) -> Lead:
    """Return the one lead with this public id, id or external id. Raises CommandError."""
    leads = find_leads(text)
    if not leads:
        message = f"no lead has the public id, id or external id {text!r}"
        raise CommandError(message, returncode=2)
    if len(leads) > 1:
        candidates = [f"{lead.public_id}  {lead.source.name} in {lead.workspace.name}" for lead in leads]
        raise ambiguous("lead", text, candidates)
    return leads[0]


def read_workspace(slug: str) -> Workspace:
    """Raises CommandError, which names similar slugs, or else some of those that exist."""
    try:
        return find_workspace(slug)
    except NameNotFound as error:
        raise CommandError(str(error), returncode=2) from None


def ambiguous(kind: str, text: str, candidates: Sequence[str]) -> CommandError:
    head = f"more than one {kind} matches {text!r}; choose one by its public id:"
    return CommandError("\n  ".join([head, *candidates]), returncode=2)


def describe_operator() -> str:
    """Return who runs a command, for the audit log. The user of a container may have no name."""
    try:
        return f"{getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"
