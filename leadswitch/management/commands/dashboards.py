"""`manage.py dashboards`: print or write the dashboards of Grafana, or the dashboards and monitors of Datadog."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from leadswitch.env import REPOSITORY
from leadswitch.levels.dashboards.files import FORMATS
from leadswitch.levels.monitors.monitor import Contacts
from leadswitch.management.generated import url_argument, write_changed


class Command(BaseCommand):
    help = "Print the dashboards of Grafana, and the dashboards and monitors of Datadog, or write them with --write."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--format", choices=FORMATS, action="append", help="Which files. Default: all. May be repeated."
        )
        parser.add_argument("--write", action="store_true", help="Write the files instead of printing them.")
        parser.add_argument(
            "--directory", type=Path, default=REPOSITORY / "ops", help="Where to write. Default: ops."
        )
        parser.add_argument(
            "--runbooks",
            type=url_argument,
            default=Contacts().runbooks,
            help="URL of the directory with the runbooks, to which monitors link.",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        contacts = Contacts(
            page=settings.LEADSWITCH_DATADOG_PAGE_HANDLE,
            warning=settings.LEADSWITCH_DATADOG_WARNING_HANDLE,
            runbooks=options["runbooks"].rstrip("/"),
        )
        texts: dict[Path, str] = {}
        for name in options["format"] or FORMATS:
            texts |= FORMATS[name](contacts)
        if options["write"]:
            write_changed(self.stdout, {options["directory"] / path: text for path, text in texts.items()})
            return
        for path, text in texts.items():
            self.stdout.write(f"# {path}", ending="\n")
            self.stdout.write(text, ending="")
