"""Reads what commands are given: errors say what was looked for and list what there is, with exit code 2."""

from collections.abc import Sequence
from difflib import get_close_matches
from getpass import getuser
from typing import Final

from django.core.management.base import CommandError

from routing.models import Lead, Workspace
from routing.queries import find_leads


def read_lead(text: str) -> Lead:
    """The one lead that `text` names: a public id, an id, or a sender's own id. Raises CommandError."""
    leads = find_leads(text)
    if not leads:
        message = f"no lead has the public id, id or external id {text!r}"
        raise CommandError(message, returncode=2)
    if len(leads) > 1:
        candidates = [f"{lead.public_id}  {lead.source.name} in {lead.workspace.name}" for lead in leads]
        raise ambiguous("lead", text, candidates)
    return leads[0]


MOST_NAMED: Final = 10


def read_workspace(slug: str) -> Workspace:
    """Raises CommandError, with those that are called almost so, or else some of those that there are."""
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is not None:
        return workspace
    slugs = list(Workspace.objects.order_by("slug").values_list("slug", flat=True))
    close = get_close_matches(slug.lower(), slugs)
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    else:
        more = f" and {len(slugs) - MOST_NAMED} more" if len(slugs) > MOST_NAMED else ""
        hint = f"there are {', '.join(slugs[:MOST_NAMED])}{more}" if slugs else "there is none yet"
    message = f"there is no workspace {slug!r}; {hint}"
    raise CommandError(message, returncode=2)


def ambiguous(kind: str, text: str, candidates: Sequence[str]) -> CommandError:
    head = f"more than one {kind} is {text!r}; name one by its public id:"
    return CommandError("\n  ".join([head, *candidates]), returncode=2)


def describe_operator() -> str:
    """Who runs a command, for the audit. A container's user may have no name."""
    try:
        return f"{getuser()} (command line)"
    except (KeyError, OSError):
        return "command line"
