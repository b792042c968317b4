"""Reads what commands are given: errors say what was looked for and list what there is, with exit code 2."""

from collections.abc import Sequence

from django.core.management.base import CommandError

from routing.models import Lead
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


def ambiguous(kind: str, text: str, candidates: Sequence[str]) -> CommandError:
    head = f"more than one {kind} is {text!r}; name one by its public id:"
    return CommandError("\n  ".join([head, *candidates]), returncode=2)
