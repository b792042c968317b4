"""Phones that a workspace never calls. A phone is typed to add or to find it; only its keyed hash is stored."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from distribution.calls.blocking import PhoneRefused, block_phone, hash_typed_phone
from distribution.models import BlockedPhone
from tracing.admin.audited import AuditedAdmin
from tracing.admin.columns import time_column
from tracing.admin.fresh import FreshForm

PHONE_HELP: Final = (
    "E.g. 404 555 0123. It is not stored: only a keyed hash is, by which its leads are recognized."
)
ALREADY: Final = "This phone was blocked before. Its entry was kept."


class BlockedPhoneForm(FreshForm):
    phone = forms.CharField(
        max_length=60, help_text=PHONE_HELP, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def clean_phone(self) -> str:
        text: str = self.cleaned_data["phone"]
        try:
            hash_typed_phone(text)
        except PhoneRefused as refused:
            raise ValidationError(f"This {refused}.") from None
        return text


@admin.register(BlockedPhone)
class BlockedPhoneAdmin(AuditedAdmin):
    form = BlockedPhoneForm
    workspace_path = "workspace"
    list_display = ("entry", "workspace", "reason", "actor_shown", "created")
    list_filter = ("workspace",)
    list_select_related = ("workspace",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-pk",)
    search_fields = ("phone_hash",)  # shows the search box
    search_help_text = "A phone number, in any spelling."
    autocomplete_fields = ("workspace",)
    after_deleting = "The workspace may call this phone again, also if its person asked not to be called."
    empty_list_text = "People who press 9 in a call are listed here, and phones that you add."
    fields: ClassVar[Any] = ("workspace", "phone", "reason")
    created = time_column("created_at", label="blocked")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Remove it and add another one."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return self.fields if obj is None else ("workspace", "reason", "actor_shown", "created")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:  # noqa: ARG002
        return () if obj is None else ("workspace", "reason", "actor_shown", "created")

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - the signature is Django's
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(phone_hash=hash_typed_phone(search_term)), False
        except PhoneRefused:
            return queryset.none(), False

    @admin.display(description="entry")
    def entry(self, row: BlockedPhone) -> str:
        return str(row)

    @admin.display(description="blocked by")
    def actor_shown(self, row: BlockedPhone) -> str:
        return row.actor or "the person, in a call"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001
        """Nothing can be changed, so it is new. The use case writes the audit entry."""
        row, is_new = block_phone(
            form.cleaned_data["phone"],
            workspace=obj.workspace,
            actor=request.user.get_username(),
            reason=obj.reason,
        )
        obj.pk = row.pk
        if not is_new:
            self.message_user(request, ALREADY, messages.WARNING)
