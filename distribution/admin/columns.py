"""Columns that show cents as money."""

from collections.abc import Callable

from django.contrib import admin
from django.db.models import Model

from tracing.wording import money


def money_column(name: str, *, label: str) -> Callable[..., str | None]:
    """A column for `name`, in cents; "-" where there is none."""

    @admin.display(description=label, ordering=name, empty_value="-")
    def show(self: object, row: Model) -> str | None:  # noqa: ARG001 - a method of the admin class
        cents = getattr(row, name)
        return None if cents is None else money(cents)

    return show
