"""Base of the configuration pages: strict JSON with errors that name the path."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse

from routing.admin.typed import TypedChecks
from routing.admin.waking import show_woken
from routing.api.errors import Malformed
from routing.api.guard import parse_json
from routing.conditions import Rewrite
from routing.conditions.rewriting import Rewriter
from routing.values.opening_hours import describe_hours

MAX_KEYS: Final = 20_000


class IndentedEncoder(json.JSONEncoder):
    """Django's JSON form field takes an encoder class, not its arguments."""

    def __init__(self, *_: Any, **options: Any) -> None:
        super().__init__(**{**options, "indent": 2, "ensure_ascii": False})


class GuardedJSONField(forms.JSONField):
    """Takes what the API takes: PostgreSQL refuses NUL and half surrogate pairs, and JSON knows no NaN."""

    blank: Callable[[], Any] | None = None  # the value that a NOT NULL column gets for a blank box

    def clean(self, value: Any) -> Any:
        return self._fill(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """A blank text is the column's blank value, which the page shows as {} or []."""
        is_blank = isinstance(data, str) and not data.strip() and self.blank is not None
        return super().has_changed(initial, json.dumps(self._fill(None)) if is_blank else data)

    def prepare_value(self, value: Any) -> Any:
        """A NULL column is shown as a blank box, not as "null"."""
        return "" if value is None else super().prepare_value(value)

    def _fill(self, value: Any) -> Any:
        return self.blank() if value is None and self.blank is not None else value

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value.strip() if isinstance(value, str) else value)
        try:
            parsed = parse_json(value.encode(), max_keys=MAX_KEYS)
        except Malformed as error:
            raise ValidationError(error.message.replace("The body", "This")) from None
        # Django reads an unmarked text a second time.
        return forms.fields.JSONString(parsed) if isinstance(parsed, str) else parsed

    def bound_data(self, data: Any, initial: Any) -> Any:
        """After an error the input is shown as typed: parsed and rewritten, it may not be valid text for a page."""
        return initial if self.disabled or data is None else forms.fields.InvalidJSONInput(data)


class RewritingField(forms.Field):
    """Saves typed values in the form that leads have. `rewrites`: what it changed."""

    rewriter: Rewriter | None = None
    rewrites: Sequence[Rewrite] = ()

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        if self.rewriter is None:
            return cleaned
        cleaned, self.rewrites = self.rewriter(cleaned)
        return cleaned


class RewritingJSONField(RewritingField, GuardedJSONField):
    pass


class RewritingCharField(RewritingField, forms.CharField):
    pass


class ConfigurationAdmin(TypedChecks):
    """Fields and lists of what operators configure."""

    formfield_overrides = {
        models.JSONField: {
            "form_class": RewritingJSONField,
            "encoder": IndentedEncoder,
            "widget": forms.Textarea(attrs={"rows": 10, "cols": 100, "class": "admin-json"}),
        }
    }
    list_per_page = 50
    show_full_result_count = False
    # Rewrite a field to the form that leads have.
    rewriters: ClassVar[Mapping[str, Rewriter]] = {}

    def response_add(
        self, request: HttpRequest, obj: models.Model, post_url_continue: Any = None
    ) -> HttpResponse:
        show_woken(self, request)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        show_woken(self, request)
        return super().response_change(request, obj)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        rewriter = self.rewriters.get(db_field.name)
        if rewriter is not None and isinstance(db_field, models.CharField):
            kwargs["form_class"] = RewritingCharField
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if rewriter is not None:
            field.rewriter = rewriter
        if isinstance(field, GuardedJSONField) and not db_field.null and callable(db_field.default):
            field.blank = db_field.default
        if self.describers.get(db_field.name) is describe_hours:
            field.widget.attrs["placeholder"] = describe_hours(None).capitalize()
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        for name, field in form.fields.items():
            for rewrite in getattr(field, "rewrites", ()):
                self.message_user(request, f"{name}: {rewrite}.", messages.WARNING)
