"""Check the SQL of new migrations with squawk: locks, rewrites, and what breaks processes of the previous version.

Migrations up to ACCEPTED ran before there was a linter. A later one that does on purpose what squawk warns of gives
the reason beside its operations: `lint_accepted = {"renaming-column": "no other process runs while ..."}`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

REPOSITORY: Final = Path(__file__).resolve().parent.parent
# By app the last migration that installations had already run when the linter was added.
ACCEPTED: Final[Mapping[str, str]] = {
    "distribution": "0022_returned_assignments",
    "leadswitch": "0003_large_sums",
    "routing": "0029_leads_tried_again",
    "tracing": "0007_waking",
}
# By app the last migration that may lock several tables of an installation in one transaction: it was already run.
SEVERAL_TABLES_UNTIL: Final[Mapping[str, str]] = {
    "distribution": "0029_plain_labels",
    "leadswitch": "0005_digest_mail",
    "routing": "0040_plain_labels",
    "tracing": "0018_results_by_workspace",
}
SEVERAL_TABLES: Final = "several-tables"
LOCKS: Final = re.compile(
    r"\b(?:ALTER TABLE|DROP TABLE|TRIGGER (?:IF EXISTS )?\S+ (?:BEFORE|AFTER)\b[^;]*?\sON|TRIGGER IF EXISTS \S+\s+ON)"
    r'\s+(?:IF EXISTS |ONLY )*"?(\w+)"?'
)
CREATES: Final = re.compile(r'\bCREATE TABLE "?(\w+)"?')
EXCLUDED: Final[Mapping[str, str]] = {
    "prefer-bigint-over-int": "counts and minutes fit; ids are BigAutoField already",
    "prefer-bigint-over-smallint": "as above",
    "prefer-robust-stmts": "a migration is one transaction; leadswitch.postgres.schema repeats what runs outside one",
    "prefer-text-field": "Django checks max_length in forms, and the column holds to it",
    "require-lock-timeout": "the role has it: leadswitch.database.limits",
    "require-statement-timeout": "the role has it: leadswitch.database.limits",
}


@dataclass(frozen=True, slots=True)
class MigrationProblem:
    app: str
    name: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.app}.{self.name}: {self.rule}: {self.message}"


def lint(loader: Any, *, accepted: Mapping[str, str]) -> list[MigrationProblem]:
    """What squawk warns of in migrations of the apps in `accepted` that come after the accepted one of each."""
    return [
        problem
        for app, name in sorted(find_new(loader.disk_migrations, accepted=accepted))
        for problem in _lint_one(app, name, loader.disk_migrations[app, name])
    ]


def find_new(migrations: Iterable[tuple[str, str]], *, accepted: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names begin with their number, so that their order is that of the text. "": every migration of the app."""
    return [(app, name) for app, name in migrations if app in accepted and name > accepted[app]]


def run_squawk(sql: str) -> list[tuple[str, str]]:
    """Rule and message of each warning."""
    command = [str(Path(sys.executable).parent / "squawk"), "--reporter", "json", "--pg-version", "14.0"]
    command += ["--exclude", ",".join(EXCLUDED), "--stdin-filepath", "migration.sql"]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or (done.returncode and not done.stdout.strip()):
        raise RuntimeError(f"squawk failed ({done.returncode}): {done.stderr or done.stdout}")
    return [(each["rule_name"], each["message"]) for each in json.loads(done.stdout or "[]")]


def judge_locks(sql: str) -> list[tuple[str, str]]:
    """A transaction that locks a second table holds the first one while it waits: sales wait for both.

    Tables that it creates do not count. Their foreign keys lock what they refer to, only against writes and briefly.
    """
    locked = sorted(set(LOCKS.findall(sql)) - set(CREATES.findall(sql)))
    message = f"it locks {' and '.join(locked)} until its end: give each table a migration of its own"
    return [(SEVERAL_TABLES, message)] if len(locked) > 1 else []


def _lint_one(app: str, name: str, migration: Any) -> list[MigrationProblem]:
    from django.core.management import call_command

    meant: Mapping[str, str] = getattr(migration, "lint_accepted", {})
    sql = StringIO()
    call_command("sqlmigrate", app, name, stdout=sql, no_color=True)
    warnings = run_squawk(sql.getvalue())
    if migration.atomic and name > SEVERAL_TABLES_UNTIL.get(app, ""):
        warnings += judge_locks(sql.getvalue())
    problems = [MigrationProblem(app, name, rule, message) for rule, message in warnings if rule not in meant]
    found = {rule for rule, _ in warnings}
    stale = "is in lint_accepted, but squawk does not warn of it"
    return problems + [MigrationProblem(app, name, rule, stale) for rule in meant if rule not in found]


def main() -> int:
    sys.path.insert(0, str(REPOSITORY))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadswitch.settings")
    import django
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    problems = lint(MigrationLoader(None, ignore_no_migrations=True), accepted=ACCEPTED)
    for problem in problems:
        print(problem)  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
