"""Buyers' keys."""

from typing import ClassVar

from django.contrib import admin

from distribution.models import BuyerKey
from routing.admin.keys import Columns, ScopedKeyAdmin


@admin.register(BuyerKey)
class BuyerKeyAdmin(ScopedKeyAdmin):
    workspace_path = "buyer__workspace"
    owner_fields = ("buyer",)
    list_filter: ClassVar[Columns] = ("revoked", "buyer__workspace")
    list_select_related = ("buyer__workspace",)
    search_fields: ClassVar[Columns] = ("name", "prefix", "buyer__name")
    empty_list_text = "Issue a key for each buyer whose software reads the API."
    autocomplete_fields = ("buyer",)
