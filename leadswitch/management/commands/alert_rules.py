"""`manage.py alert_rules`: write the files of Prometheus and Alertmanager."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.files import Links, make_files
from leadswitch.management.generated import find_changed, url_argument, write_changed


class Command(BaseCommand):
    help = "Write the files of Prometheus and Alertmanager from the alerts in leadswitch/levels."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        links = Links()
        parser.add_argument(
            "--directory", type=Path, default=REPOSITORY / "ops", help="Where to write. Default: ops."
        )
        parser.add_argument(
            "--check", action="store_true", help="Write nothing. Fail if a file would change."
        )
        parser.add_argument(
            "--runbooks",
            type=url_argument,
            default=links.runbooks,
            help="URL of the directory with the runbooks.",
        )
        parser.add_argument(
            "--dashboards",
            type=url_argument,
            default=links.dashboards,
            help="URL of Grafana's dashboards.",
        )
        parser.add_argument(
            "--watchdog",
            type=url_argument,
            default=links.watchdog,
            help="URL that expects a call from the watchdog every 5 to 6 minutes.",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        links = Links(
            runbooks=options["runbooks"].rstrip("/"),
            dashboards=options["dashboards"].rstrip("/"),
            watchdog=options["watchdog"],
        )
        files = {options["directory"] / path: text for path, text in make_files(links).items()}
        if options["check"]:
            self._check(find_changed(files))
            return
        write_changed(self.stdout, files)

    def _check(self, changed: list[Path]) -> None:
        if changed:
            names = ", ".join(map(str, changed))
            raise CommandError(f"Out of date: {names}. Run manage.py alert_rules.")
        self.stdout.write("Nothing would change.")
