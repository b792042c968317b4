"""`manage.py create_source`: creates a source with its first API key, which is printed once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.intake.sources import SourceNotCreated, create_source
from routing.management.arguments import describe_operator


class Command(BaseCommand):
    help = (
        "Create a source of leads and print its API key. The key is shown only once; only its hash is stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--workspace", required=True, metavar="SLUG", help="the workspace that owns the source"
        )
        parser.add_argument(
            "--name", required=True, help="letters, digits, - and _; the value of `source` in conditions"
        )
        parser.add_argument("--vertical", default="", help="the vertical of leads that do not name one")
        parser.add_argument(
            "--strict",
            action="store_true",
            help="reject leads with an invalid or unknown field, instead of leaving out the field with a warning",
        )
        parser.add_argument(
            "--scope",
            dest="scopes",
            action="append",
            default=[],
            help="a scope of the key: leads:write, leads:read, trace (shows buyers); repeat for more."
            " Default: leads:write and leads:read",
        )
        parser.add_argument(
            "--create-workspace", action="store_true", help="create the workspace if it does not exist"
        )

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
        except SourceNotCreated as error:
            raise CommandError(str(error), returncode=2) from None
        # Only the key goes to stdout: KEY=$(manage.py create_source ...)
        self.stderr.write(
            f"Source {made.source.name} of workspace {made.source.workspace.slug}. Its key, shown only once:"
        )
        self.stdout.write(made.key)
        self.stderr.write("Send leads to  /api/v1/leads/  with the header  Authorization: Api-Key <key>")
