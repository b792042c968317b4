"""The linter of migrations, which `make check` runs, refuses unsafe migrations."""

import runpy
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from leadswitch.env import REPOSITORY

LINTER = SimpleNamespace(**runpy.run_path(str(REPOSITORY / "ops/lint_migrations.py")))
LAST = ("tracing", max(name for app, name in MigrationLoader(None).disk_migrations if app == "tracing"))

UNSAFE: dict[str, Any] = {
    "renaming-column": migrations.RenameField("attempt", "number", "other_number"),
    "renaming-table": migrations.AlterModelTable("attempt", "tracing_other"),
    "ban-drop-column": migrations.RemoveField("attempt", "number"),
    "require-concurrent-index-creation": migrations.AddIndex(
        "attempt", models.Index(fields=["number"], name="attempt_other")
    ),
    "constraint-missing-not-valid": migrations.AddConstraint(
        "attempt", models.CheckConstraint(condition=models.Q(pk__gt=0), name="attempt_check")
    ),
}


def lint(monkeypatch: pytest.MonkeyPatch, *operations: Any, **attributes: Any) -> set[str]:
    """Lint a migration after the last one of tracing, as if it were on disk."""
    name = "9999_new"
    migration = type(
        "Migration",
        (migrations.Migration,),
        {"dependencies": [LAST], "operations": list(operations), **attributes},
    )(name, "tracing")
    read = MigrationLoader.load_disk

    def load_disk(loader: Any) -> None:
        read(loader)
        loader.disk_migrations["tracing", name] = migration

    monkeypatch.setattr(MigrationLoader, "load_disk", load_disk)
    problems = LINTER.lint(MigrationLoader(None), accepted={"tracing": LAST[1]})
    assert {(each.app, each.name) for each in problems} <= {("tracing", name)}
    return {each.rule for each in problems}


@pytest.mark.django_db
@pytest.mark.parametrize("rule", UNSAFE)
def test_unsafe_migration_is_refused(monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    assert rule in lint(monkeypatch, UNSAFE[rule])


@pytest.mark.django_db
def test_safe_migration_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = migrations.AddField("attempt", "other", models.TextField(null=True))
    assert lint(monkeypatch, operation) == set()


@pytest.mark.django_db
def test_reason_beside_the_operations_accepts_one_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    attributes = {"lint_accepted": {"renaming-column": "nothing reads it"}}
    assert lint(monkeypatch, UNSAFE["renaming-column"], **attributes) == set()


@pytest.mark.django_db
def test_reason_without_a_broken_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = migrations.AddField("attempt", "other", models.TextField(null=True))
    assert lint(monkeypatch, operation, lint_accepted={"ban-drop-column": "?"}) == {"ban-drop-column"}


@pytest.mark.django_db
def test_migration_that_locks_two_tables_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adding a column, and a trigger, each locks its table until the transaction ends."""
    operations = [
        migrations.AddField("attempt", "other", models.TextField(null=True)),
        migrations.AddField("auditentry", "other", models.TextField(null=True)),
    ]
    assert lint(monkeypatch, *operations) == {"several-tables"}
    assert lint(monkeypatch, *operations, atomic=False) == set()
    assert lint(monkeypatch, operations[0]) == set()


def test_locks_of_triggers_and_constraints_count_and_new_tables_do_not() -> None:
    trigger = 'CREATE TRIGGER a BEFORE UPDATE OF "x" ON "one" FOR EACH ROW EXECUTE PROCEDURE f();'
    assert LINTER.judge_locks(f'{trigger} DROP TRIGGER IF EXISTS b ON "one";') == []
    new = 'CREATE TABLE "three" ("id" bigint); ALTER TABLE "three" ADD CONSTRAINT c CHECK (true);'
    assert LINTER.judge_locks(trigger + new) == []
    [(rule, message)] = LINTER.judge_locks(f'{trigger} {new} ALTER TABLE "two" DROP CONSTRAINT d;')
    assert (rule, "one and two" in message) == ("several-tables", True)
    dropped = 'DROP TRIGGER IF EXISTS b ON "one"; ALTER TABLE ONLY "two" ADD COLUMN e int;'
    assert [rule for rule, _ in LINTER.judge_locks(dropped)] == ["several-tables"]


def test_unreadable_sql_is_refused() -> None:
    assert {rule for rule, _ in LINTER.run_squawk("ALTER TABL;")} == {"syntax-error"}


def test_accepted_migrations_exist_and_new_ones_are_found() -> None:
    on_disk = MigrationLoader(None).disk_migrations
    assert set(LINTER.ACCEPTED.items()) <= set(on_disk)
    assert ("leadswitch", "0004_drop_library_keys") in LINTER.find_new(on_disk, accepted=LINTER.ACCEPTED)
    assert (
        {app for app, _ in on_disk}
        >= set(LINTER.ACCEPTED)
        == {
            "leadswitch",
            "distribution",
            "routing",
            "tracing",
        }
    )
