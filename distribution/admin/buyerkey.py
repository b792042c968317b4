"""Buyers' keys."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest, QueryDict

from distribution.models import PRESETS, BuyerKey, expand_presets
from routing.admin.keys import Columns, ScopedKeyAdmin, ScopedKeyForm

PRESET_CHOICES: Final = (
    ("read", "read: everything that reads"),
    ("write", "write: everything that changes, except top-ups by card"),
    ("money", "money: the wallet, and top-ups by card"),
)


class BuyerKeyForm(ScopedKeyForm):
    """A preset adds its scopes to those that are checked. The key stores scopes, not presets."""

    presets = forms.MultipleChoiceField(
        choices=PRESET_CHOICES,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Each adds all of its scopes to those checked below when you save.",
    )

    def __init__(self, data: QueryDict | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(_with_presets(data), *args, **kwargs)


def _with_presets(data: QueryDict | None) -> QueryDict | None:
    """As if the scopes of the presets had been checked one by one."""
    chosen = [] if data is None else [name for name in data.getlist("presets") if name in PRESETS]
    if data is None or not chosen:
        return data
    typed = data.copy()
    typed.setlist("scopes", list(dict.fromkeys([*data.getlist("scopes"), *expand_presets(chosen)])))
    return typed


@admin.register(BuyerKey)
class BuyerKeyAdmin(ScopedKeyAdmin):
    form = BuyerKeyForm
    workspace_path = "buyer__workspace"
    owner_fields = ("buyer",)
    list_filter: ClassVar[Columns] = ("revoked", "buyer__workspace")
    list_select_related = ("buyer__workspace",)
    search_fields: ClassVar[Columns] = ("name", "prefix", "buyer__name")
    empty_list_text = "Issue a key for each buyer whose software reads the API."
    autocomplete_fields = ("buyer",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Columns:
        fields = list(super().get_fields(request, obj))
        fields.insert(fields.index("scopes"), "presets")
        return fields
