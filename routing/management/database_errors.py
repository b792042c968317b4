"""Turns the errors of a database that a command cannot read into one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import OperationalError, ProgrammingError


@contextmanager
def readable_database() -> Iterator[None]:
    """Raises CommandError with exit code 2 if the tables are missing or PostgreSQL does not answer."""
    try:
        yield
    except ProgrammingError as error:
        message = "the tables are missing or out of date; run `make migrate` first"
        raise CommandError(message, returncode=2) from error
    except OperationalError as error:
        message = f"the database cannot be read: {str(error).splitlines()[0]}"
        raise CommandError(message, returncode=2) from error
