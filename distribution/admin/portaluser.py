"""Who may sign in to the portal of a buyer: invite people, change their role, remove them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.buyers.portal_links import owe_invitation
from distribution.deliveries.mail_settings import VARIABLES, find_missing_mail_setting
from distribution.models import Buyer, PortalUser
from routing.values.normalize import FieldError, normalize_email
from tracing.admin.audited import REASON, AuditedAdmin, ReasonedForm
from tracing.admin.columns import time_column
from tracing.wording import moment

INVITED = "An invitation is being mailed to {name}."
NOT_MAILED = "{name} has access, but nothing is mailed: set {variable}. Until then: manage.py portal_link."


class PortalUserForm(ReasonedForm):
    def clean_email(self) -> str:
        """As the address that the person types to sign in."""
        try:
            return normalize_email(self.cleaned_data["email"]) or ""
        except FieldError as error:
            raise forms.ValidationError(f"This {error}.") from None


@admin.register(PortalUser)
class PortalUserAdmin(AuditedAdmin):
    form = PortalUserForm
    workspace_path = "buyer__workspace"
    owner_fields = ("buyer", "email")
    list_display = ("name", "buyer", "role_shown", "email", "signed_in", "invited_by")
    list_filter = ("role", "buyer__workspace")
    list_select_related = ("buyer__workspace",)
    search_fields = ("name", "email", "buyer__name")
    empty_list_text = "Invite the people of a buyer who should see its leads, wallet and settings themselves."
    ordering = ("buyer__name", "name")
    autocomplete_fields = ("buyer",)
    readonly_fields = ("invited_by", "created_at", "signed_in")
    fieldsets = (
        (None, {"fields": ("buyer", "name", "email", "role")}),
        (None, {"fields": ("invited_by", "created_at", "signed_in", REASON)}),
    )
    signed_in = time_column("last_signed_in_at", label="last sign-in")

    @admin.display(description="role", ordering="role")
    def role_shown(self, user: PortalUser) -> str:
        """One word: the label is a sentence, too wide for a list."""
        return user.role

    def write_model(self, request: HttpRequest, obj: Any, *, form: Any, change: bool) -> None:
        if not change:
            obj.invited_by = request.user.get_username()
        super().write_model(request, obj, form=form, change=change)
        if not change:
            owe_invitation(obj, at=timezone.now())
            self._say_what_follows(request, obj)

    def _say_what_follows(self, request: HttpRequest, user: PortalUser) -> None:
        missing = find_missing_mail_setting()
        if missing:
            text = NOT_MAILED.format(name=user.name, variable=VARIABLES[missing])
            self.message_user(request, text, messages.WARNING)
        else:
            self.message_user(request, INVITED.format(name=user.name), messages.INFO)


def list_people(buyer: Buyer) -> SafeString:
    """For the page of a buyer: who has access, and a link to invite somebody."""
    users = PortalUser.objects.filter(buyer_id=buyer.pk).order_by("name", "pk")
    rows = format_html_join(
        "",
        '<li><a href="{}">{}</a>, {}, {}</li>',
        (
            (
                reverse("admin:distribution_portaluser_change", args=[user.pk]),
                user.name,
                user.role,
                "never signed in"
                if user.last_signed_in_at is None
                else f"last signed in {moment(user.last_signed_in_at)}",
            )
            for user in users
        ),
    )
    return format_html(
        '<ul class="admin-refused">{}</ul><p><a href="{}?buyer={}">Invite a person</a></p>',
        rows or SafeString("<li>Nobody has access.</li>"),
        reverse("admin:distribution_portaluser_add"),
        buyer.pk,
    )
