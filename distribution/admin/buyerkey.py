"""Buyers' keys."""

from typing import Any, ClassVar, TypeAlias

from django import forms
from django.contrib import admin
from rest_framework_api_key.admin import APIKeyModelAdmin

from distribution.models import BuyerKey, BuyerScope
from tracing.admin.audited import REASON, AuditedAdmin, ReasonedForm

# The library's class has tuples of a fixed length for its types.
Columns: TypeAlias = Any


class BuyerKeyForm(ReasonedForm):
    """Scopes are boxes to tick; the field of an array would be a text with commas."""

    scopes = forms.MultipleChoiceField(
        choices=BuyerScope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[BuyerScope.READ.value],
        help_text="What this key may do.",
    )


@admin.register(BuyerKey)
class BuyerKeyAdmin(AuditedAdmin, APIKeyModelAdmin):  # type: ignore[misc]  # the library names its defaults
    """The key is shown once, in the message after it was made; only its prefix and hash are stored."""

    workspace_path = "buyer__workspace"
    form = BuyerKeyForm
    list_display: Columns = (
        *("name", "prefix", "buyer", "workspace", "scopes", "created", "expiry_date", "revoked"),
    )
    list_filter: ClassVar[Columns] = ("revoked", "buyer__workspace")
    list_select_related = ("buyer__workspace",)
    search_fields: ClassVar[Columns] = ("name", "prefix", "buyer__name")
    empty_list_text = "Make one for a buyer whose programs read the API."
    autocomplete_fields = ("buyer",)
    fields = ("name", "buyer", "scopes", "prefix", "expiry_date", "revoked", REASON)

    @admin.display(description="workspace", ordering="buyer__workspace__name")
    def workspace(self, key: BuyerKey) -> str:
        return key.buyer.workspace.name
