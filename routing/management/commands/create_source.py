"""`manage.py create_source`: a source with its first intake key, which is printed once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.intake.sources import SourceNotMade, create_source
from routing.management.arguments import describe_operator


class Command(BaseCommand):
    help = "Make a source of leads and print its intake key. The key is shown only once. LeadSwitch stores its hash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True, metavar="SLUG", help="the workspace it belongs to")
        parser.add_argument(
            "--name", required=True, help="letters, digits, - and _; conditions see it as `source`"
        )
        parser.add_argument("--vertical", default="", help="for leads that name no vertical")
        parser.add_argument(
            "--strict",
            action="store_true",
            help="refuse leads with any field that is wrong or unknown, instead of leaving it out with a warning",
        )
        parser.add_argument(
            "--scope",
            dest="scopes",
            action="append",
            default=[],
            help="what its key may do: leads:write, leads:read, trace (shows buyers); give it again for several."
            " Without it: leads:write and leads:read",
        )
        parser.add_argument("--create-workspace", action="store_true", help="make the workspace if it is new")

    def handle(
        self,
        *_: Any,
        workspace: str,
        name: str,
        vertical: str,
        create_workspace: bool,
        strict: bool,
        scopes: list[str],
        **__: Any,
    ) -> None:
        try:
            made = create_source(
                workspace_slug=workspace,
                name=name,
                vertical=vertical,
                may_create_workspace=create_workspace,
                is_strict=strict,
                scopes=scopes,
                actor=describe_operator(),
            )
        except SourceNotMade as error:
            raise CommandError(str(error), returncode=2) from None
        # The key alone goes to stdout: KEY=$(manage.py create_source ...)
        self.stderr.write(
            f"Source {made.source.name} of workspace {made.source.workspace.slug}. Its key, shown only once:"
        )
        self.stdout.write(made.key)
        self.stderr.write("Send leads with the header  Authorization: Api-Key <key>  to /api/v1/leads/")
