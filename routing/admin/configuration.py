"""Pages of what operators configure: strict JSON with errors that name the path."""

import json
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

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

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or value in self.empty_values:
            return super().to_python(value)
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
