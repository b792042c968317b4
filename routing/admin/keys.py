"""The shared part of the pages of API keys."""

from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from routing.access.api_keys import Author, KeyRefused, check_expiry, issue, revoke
from routing.models import ScopedKey
from tracing.admin.audited import REASON, AuditedAdmin, ReasonedForm
from tracing.admin.columns import time_column

# The pages of the kinds override these; Django's own types have tuples of a fixed length.
Columns: TypeAlias = Any

SHOW_KEY = (
    "The API key for {name} is: {text}. Please store it somewhere safe: you will not be able to see it again."
)


class ScopedKeyForm(ReasonedForm):
    """Shows scopes as checkboxes. Django would show an array as text with commas."""

    scopes = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        key: ScopedKey = kwargs.get("instance") or self._meta.model()
        kwargs["initial"] = {**(kwargs.get("initial") or {}), "scopes": key.granted_scopes}
        super().__init__(*args, **kwargs)
        stored: Any = self._meta.model._meta.get_field("scopes")
        self.fields["scopes"].choices = stored.base_field.choices  # type: ignore[attr-defined]
        self.fields["scopes"].help_text = stored.help_text

    def clean_expiry_date(self) -> datetime | None:
        """A stored key may be given a past date: it then no longer works."""
        expires: datetime | None = self.cleaned_data["expiry_date"]
        if self.instance._state.adding:
            try:
                check_expiry(expires, at=timezone.now())
            except KeyRefused as refused:
                raise forms.ValidationError(f"Not saved: {refused}.") from None
        return expires


class ScopedKeyAdmin(AuditedAdmin):
    """The message after saving shows the key once. Only its prefix and hash are stored."""

    form = ScopedKeyForm
    model: type[ScopedKey]
    use_case_fields = frozenset({"revoked"})
    list_filter: ClassVar[Columns] = ()
    search_fields: ClassVar[Columns] = ("name", "prefix")
    used = time_column("last_used_at", label="last used")

    def get_list_display(self, request: HttpRequest) -> Columns:  # noqa: ARG002 - the signature is Django's
        """The owner's name has its workspace."""
        return ("name", "prefix", self.model.owner_field, "granted", "used", "expiry_date", "revoked")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Columns:  # noqa: ARG002
        kept = () if obj is None else ("prefix", "used")
        ends = ("expiry_date",) if obj is None else ("expiry_date", "revoked")
        return ("name", self.model.owner_field, "scopes", *kept, *ends, REASON)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Columns:  # noqa: ARG002
        """A revoked key stays revoked."""
        return (
            ("prefix", "used", "name", "revoked", "expiry_date")
            if obj is not None and obj.revoked
            else ("prefix", "used")
        )

    @admin.display(description="scopes")
    def granted(self, key: ScopedKey) -> str:
        return ", ".join(key.granted_scopes)

    def call_use_case(self, request: HttpRequest, obj: Any, *, form: Any) -> None:
        """A revoked key cannot be changed in the form, so the only change is to revoke it."""
        revoke(obj, by=Author(request.user.get_username(), form.cleaned_data.get(REASON, "")))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """A new key is issued as everywhere else, with its audit entry."""
        if change:
            super().save_model(request, obj, form, change)
            return
        by = Author(request.user.get_username(), form.cleaned_data.get(REASON, ""))
        text = issue(obj, at=timezone.now(), by=by).text
        messages.warning(request, SHOW_KEY.format(name=obj.name, text=text))
