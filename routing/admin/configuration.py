"""Pages of what operators configure: strict JSON with errors that name the path."""

import json
from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest

from routing.admin.typed import TypedChecks
from routing.api.errors import Malformed
from routing.api.guard import parse_json

MOST_KEYS: Final = 20_000


class IndentedEncoder(json.JSONEncoder):
    """Django's JSON form field takes an encoder class, not its arguments."""

    def __init__(self, *_: Any, **options: Any) -> None:
        super().__init__(**{**options, "indent": 2, "ensure_ascii": False})


class GuardedJSONField(forms.JSONField):
    """Takes what the API takes: PostgreSQL refuses NUL and half surrogate pairs, and JSON knows no NaN."""

    blank: Callable[[], Any] | None = None  # what a column that is never NULL has for a blank text

    def clean(self, value: Any) -> Any:
        return self._fill(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """A blank text is the column's blank value, which the page shows as {} or []."""
        is_blank = isinstance(data, str) and not data.strip() and self.blank is not None
        return super().has_changed(initial, json.dumps(self._fill(None)) if is_blank else data)

    def _fill(self, value: Any) -> Any:
        return self.blank() if value is None and self.blank is not None else value

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value.strip() if isinstance(value, str) else value)
        try:
            parsed = parse_json(value.encode(), max_keys=MOST_KEYS)
        except Malformed as error:
            raise ValidationError(error.message.replace("The body", "This")) from None
        # Django reads an unmarked text a second time.
        return forms.fields.JSONString(parsed) if isinstance(parsed, str) else parsed

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What is shown again after an error, as it was typed: read and written again it might not be a page."""
        return initial if self.disabled or data is None else forms.fields.InvalidJSONInput(data)


class ConfigurationAdmin(TypedChecks):
    """Fields and lists of what operators configure."""

    formfield_overrides = {
        models.JSONField: {
            "form_class": GuardedJSONField,
            "encoder": IndentedEncoder,
            "widget": forms.Textarea(attrs={"rows": 10, "cols": 100, "style": "font-family: monospace"}),
        }
    }
    list_per_page = 50
    show_full_result_count = False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, GuardedJSONField) and not db_field.null and callable(db_field.default):
            field.blank = db_field.default
        return field
