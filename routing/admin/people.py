"""Operators. Groups decide what they may do; memberships decide in which workspaces."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from routing.admin.second_factor_reset import SecondFactorResetAdmin
from routing.models import Membership
from tracing import audit
from tracing.admin.audited import REASON, AuditedAdmin
from tracing.admin.fresh import FreshForm, FreshInline

if TYPE_CHECKING:
    PlainUserAdmin = UserAdmin[User]
    PlainUserForm = UserChangeForm[User]
else:  # Django's classes cannot be subscripted when they run
    PlainUserAdmin, PlainUserForm = UserAdmin, UserChangeForm


# Only a superuser may grant these: a user who has one could get every permission.
SUPERUSERS_ONLY = frozenset({"is_superuser", "user_permissions"})


class MembershipInline(FreshInline):
    model = Membership
    extra = 1
    autocomplete_fields = ("workspace",)
    verbose_name_plural = "workspaces: the only ones this person sees"


class PersonForm(FreshForm, PlainUserForm):
    pass


class PeopleAdmin(SecondFactorResetAdmin, PlainUserAdmin):
    form: Any = PersonForm
    inlines = (MembershipInline,)
    list_display = ("username", "is_active", "is_staff", "is_superuser", "last_login")
    show_full_result_count = False
    actions = (*AuditedAdmin.actions, "reset_second_factor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        people = super().get_queryset(request)
        return people if request.user.is_superuser else people.filter(is_superuser=False)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            return fieldsets
        return [
            (name, {**options, "fields": [each for each in options["fields"] if each not in SUPERUSERS_ONLY]})
            for name, options in fieldsets
        ]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        before = _rights(form.instance) if change else {}
        super().save_related(request, form, formsets, change)
        after = _rights(form.instance)
        if before != after:
            reason = form.cleaned_data.get(REASON, "")
            self.audit(request, form.instance, action="rights", reason=reason, before=before, after=after)


def _rights(user: User) -> audit.State:
    return {
        "groups": sorted(user.groups.values_list("name", flat=True)),
        "user_permissions": sorted(user.user_permissions.values_list("codename", flat=True)),
        "workspaces": sorted(Membership.objects.filter(user=user).values_list("workspace__slug", flat=True)),
    }


class RolesAdmin(AuditedAdmin, GroupAdmin):
    """Groups come with the product. Only a superuser may add one."""

    form: Any = FreshForm


class MembershipAdmin(AuditedAdmin):
    workspace_path = "workspace"
    list_display = ("user", "workspace", "created_at")
    list_filter = ("workspace",)
    list_select_related = ("user", "workspace")
    search_fields = ("user__username", "workspace__name")
    empty_list_text = "Assign people to the workspaces they work for. They see only those."
    autocomplete_fields = ("user", "workspace")
    ordering = ("workspace__name", "user__username")
    show_full_result_count = False


# Their pages would show the keys.
admin.site.unregister([TOTPDevice, StaticDevice])
for _model, _page in ((User, PeopleAdmin), (Group, RolesAdmin), (Membership, MembershipAdmin)):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)
    admin.site.register(_model, _page)
