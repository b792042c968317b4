"""What a command says about a statement that PostgreSQL refused."""

import pytest
from django.core.management.base import CommandError
from django.db import connection

from routing.management.database_errors import readable_database

OUT_OF_DATE = "the tables are missing or out of date; run `make migrate` first"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT 1 FROM no_such_table", OUT_OF_DATE),
        ("SELECT no_such_column FROM routing_lead", OUT_OF_DATE),
        ("SELECT no_such_function()", OUT_OF_DATE),
        (
            "SELECT id FROM routing_lead GROUP BY status",
            'the database refused a statement: column "routing_lead.id" must appear in the GROUP BY clause or be used'
            " in an aggregate function",
        ),
    ],
)
def test_command_names_the_cause(statement: str, message: str) -> None:
    with connection.cursor() as cursor, pytest.raises(CommandError) as refused, readable_database():
        cursor.execute(statement)
    assert (str(refused.value), refused.value.returncode) == (message, 2)
