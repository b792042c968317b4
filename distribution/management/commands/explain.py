"""`manage.py explain LEAD [--buyer BUYER]`: shows what happened to a lead, why, and what would have to change."""

import json
import shutil
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from distribution.explain.lead import explain
from distribution.explain.text import describe_lines
from distribution.explain.types import to_json
from distribution.models import Buyer
from distribution.queries import find_buyers
from routing.management.arguments import ambiguous, read_lead
from routing.models import Lead
from tracing.parsing import positive_argument

WIDEST: Final = 100


class Command(BaseCommand):
    help = (
        "Explain what happened to a lead and why. With --buyer, explain why that buyer did or did not get it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("lead", metavar="LEAD", help="the lead's public id, id, or external id")
        parser.add_argument("--buyer", metavar="BUYER", help="the buyer's public id, id, or name")
        parser.add_argument(
            "--latest", type=positive_argument, metavar="N", help="show only the latest N attempts"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")

    def handle(
        self, *_: Any, lead: str, buyer: str | None, latest: int | None, json: bool, **__: Any
    ) -> None:
        found = read_lead(lead)
        asked = None if buyer is None else _find_buyer(buyer, lead=found)
        explanation = explain(found, buyer=asked, latest=latest)
        if json:
            self.stdout.write(_dump(to_json(explanation)))
            return
        paint = self._painter()
        width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
        for line in describe_lines(explanation, width=width):
            self.stdout.write(paint(line.role, line.text))

    def _painter(self) -> Callable[[str, str], str]:
        """Django's styles are empty unless the output is a terminal."""
        styles = {
            "head": self.style.MIGRATE_HEADING,
            "good": self.style.SUCCESS,
            "bad": self.style.WARNING,
            "hint": self.style.HTTP_INFO,
        }
        is_terminal = self.stdout.isatty()
        return lambda role, text: styles[role](text) if is_terminal and role in styles else text


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def _find_buyer(text: str, *, lead: Lead) -> Buyer:
    buyers = find_buyers(text, workspace_id=lead.workspace_id)
    if not buyers:
        message = f"no buyer has the public id, id or name {text!r}"
        raise CommandError(message, returncode=2)
    if len(buyers) > 1:
        candidates = [f"{buyer.public_id}  {buyer.name} in {buyer.workspace.name}" for buyer in buyers]
        raise ambiguous("buyer", text, candidates)
    return buyers[0]
