"""The column of a lead's attributes. It reads any stored value, so one row cannot break a page or a list."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from routing.values.attributes import read_stored
from tracing.plainvalues import PlainValues

if TYPE_CHECKING:
    from django.db.models.expressions import Expression

    JSONField = models.JSONField[Any, Any]
else:
    JSONField = models.JSONField


class AttributesField(JSONField):
    """Leads that were stored before intake bounded them, or by SQL, have numbers that no encoder takes and objects
    nested beyond reading. They are text here, as in the trace. In migrations it is a JSONField."""

    def from_db_value(self, value: Any, expression: "Expression", connection: BaseDatabaseWrapper) -> Any:
        try:
            read = super().from_db_value(value, expression, connection)
        except (ValueError, RecursionError):
            read = read_stored(value)
        return PlainValues().make(read)

    def deconstruct(self) -> Any:
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.JSONField", arguments, options
