"""`manage.py unlock_login NAME`: let a person try a password again after too many wrong ones."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leadswitch.login.guard import forget_failures


class Command(BaseCommand):
    help = "Unlocks a user name, or --all names and addresses, after too many wrong passwords."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", help="the user name to unlock")
        parser.add_argument(
            "--all", action="store_true", dest="everything", help="unlock every user name and address"
        )

    def handle(self, *_: Any, username: str | None, everything: bool, **__: Any) -> None:
        if bool(username) == everything:
            raise CommandError("Give one user name, or --all.", returncode=2)
        removed = forget_failures(username)
        self.stdout.write("Unlocked." if removed else "Nothing was locked.")
