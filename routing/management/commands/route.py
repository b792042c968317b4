"""`manage.py route --dry-run LEAD`: shows which rule a lead would match, and why the rules before it do not match."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.intake.condition_fields import condition_fields
from routing.management.arguments import read_lead
from routing.models import Lead
from routing.rules.dry_run import CheckedRule, PathStep, RouteDryRun, dry_run_route
from routing.rules.ruleset import PathTooLong, RuleBroken


class Command(BaseCommand):
    help = "Show where the current rules would send a lead, and why. Writes nothing; attempts route leads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("lead", metavar="LEAD", help="the lead's public id, id, or external id")
        parser.add_argument(
            "--dry-run", action="store_true", required=True, help="required: this command never routes a lead"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")

    def handle(self, *_: Any, lead: str, json: bool, **__: Any) -> None:
        found = read_lead(lead)
        fields = condition_fields(found, source=found.source.name)
        try:
            dry_run = dry_run_route(fields, workspace_id=found.source_workspace_id)
        except (RuleBroken, PathTooLong) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(_dump(found, dry_run) if json else "\n".join(_describe(found, dry_run)))


def _dump(lead: Lead, dry_run: RouteDryRun) -> str:
    return json.dumps({"lead": str(lead.public_id), **asdict(dry_run)}, ensure_ascii=False, indent=2)


def _describe(lead: Lead, dry_run: RouteDryRun) -> Iterator[str]:
    verb = "would go to" if dry_run.moves else "would stay in"
    yield f"Lead {lead.public_id} {verb} {dry_run.destination}"
    for step in dry_run.path:
        yield ""
        yield from _describe_step(step)


def _describe_step(step: PathStep) -> Iterator[str]:
    yield f"Rules of {step.workspace}"
    if not step.checked_rules:
        yield "  no active rules: the lead is decided here"
    for rule in step.checked_rules:
        yield from _describe_rule(rule)
    if step.unchecked_rules:
        yield f"  {step.unchecked_rules} more not checked"


def _describe_rule(rule: CheckedRule) -> Iterator[str]:
    tags = f" (tags: {', '.join(rule.tags)})" if rule.tags else ""
    yield f"  {rule.name}: matches {rule.wants}"
    if rule.won:
        yield f"    matches: routes the lead to {rule.destination}{tags}"
    for miss in rule.misses:
        yield f"    does not match: requires {miss.required}; the lead has {miss.observed}"
