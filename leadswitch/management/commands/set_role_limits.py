"""`manage.py set_role_limits`: give a database role the limits of a session, for use behind a pooler."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection
from psycopg import sql

from leadswitch.database.limits import STATEMENT_TIMEOUT_MS, session_limits


class Command(BaseCommand):
    help = (
        "Gives the connected database role the limits of a kind of process. A role may set its own limits."
        " Behind PgBouncer each kind needs its own role (docs/pgbouncer.md)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--kind",
            choices=list(STATEMENT_TIMEOUT_MS),
            default=settings.LEADSWITCH_ROLE,
            help="the kind of process that connects with this role",
        )
        parser.add_argument("--role", help="another role, which the connected role must be allowed to alter")
        parser.add_argument("--sql", action="store_true", help="print the statements instead of running them")

    def handle(self, *_: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user::text, current_database()::text")
            user, database = cursor.fetchone()
            role = options["role"] or user
            statements = [
                statement.as_string(cursor.connection)
                for statement in role_statements(role, database=database, kind=options["kind"])
            ]
            if options["sql"]:
                self.stdout.write("\n".join(f"{statement};" for statement in statements))
                return
            for statement in statements:
                cursor.execute(statement)
        self.stdout.write(
            f"{role} has the limits of a {options['kind']} process in {database}. They take effect with its next"
            " connection. Run RECONNECT in the console of PgBouncer."
        )


def role_statements(role: str, *, database: str, kind: str) -> list[sql.Composed]:
    """Set the limits of this kind, and reset those that only other kinds have."""
    limits = session_limits(kind)
    others = {name for other in STATEMENT_TIMEOUT_MS for name in session_limits(other)} - set(limits)
    of_role = sql.SQL("ALTER ROLE {} IN DATABASE {} ").format(sql.Identifier(role), sql.Identifier(database))
    return [
        *(
            of_role + sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in limits.items()
        ),
        *(of_role + sql.SQL("RESET {}").format(sql.Identifier(name)) for name in sorted(others)),
    ]
