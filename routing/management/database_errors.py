"""Turns the errors of a database that a command cannot use into one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg.errors
from django.core.management.base import CommandError
from django.db import OperationalError, ProgrammingError

# The schema is that of an older or newer version, or `migrate` has not run.
OUT_OF_DATE: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
)


@contextmanager
def readable_database() -> Iterator[None]:
    """Raises CommandError with exit code 2 if the tables are missing or PostgreSQL refuses or does not respond."""
    try:
        yield
    except ProgrammingError as error:
        raise CommandError(_describe_refusal(error), returncode=2) from error
    except OperationalError as error:
        raise CommandError(f"the database cannot be read: {_first_line(error)}", returncode=2) from error


def _describe_refusal(error: ProgrammingError) -> str:
    if isinstance(error.__cause__, OUT_OF_DATE):
        return "the tables are missing or out of date; run `make migrate` first"
    return f"the database refused a statement: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
