"""Pages of what operators configure: strict JSON with errors that name the path, and saves that touch no counter."""

import json
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse

from routing.admin.typed import TypedChecks
from routing.admin.waking import tell_woken
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
    """Saves only the fields that were changed.

    A full save would write back every column as it was when the form was opened: a sale in between would lose
    its counters, another operator's change its value.
    """

    formfield_overrides = {
        models.JSONField: {
            "form_class": GuardedJSONField,
            "encoder": IndentedEncoder,
            "widget": forms.Textarea(attrs={"rows": 10, "cols": 100, "style": "font-family: monospace"}),
        }
    }
    list_per_page = 50
    show_full_result_count = False

    def response_add(
        self, request: HttpRequest, obj: models.Model, post_url_continue: Any = None
    ) -> HttpResponse:
        tell_woken(self, request)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        tell_woken(self, request)
        return super().response_change(request, obj)

    def write_model(self, request: HttpRequest, obj: models.Model, *, form: Any, change: bool) -> None:  # noqa: ARG002
        if not change:
            obj.save()
            return
        names = {field.name for field in obj._meta.concrete_fields}
        changed = [name for name in form.changed_data if name in names]
        if changed:
            obj.save(update_fields=changed)
