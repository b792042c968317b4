"""Resets two-factor authentication of people who lost both their app and their recovery codes. Only for superusers.

A confirmation page asks for a reason. A superuser cannot reset their own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from tracing.admin.audited import AuditedAdmin
from tracing.admin.confirming import ConfirmingAdmin, ReasonForm, preserve_list_filters
from tracing.locks import lock_rows
from tracing.parsing import parse_id
from tracing.wording import count

TITLE: Final = "Reset two-factor authentication"
MOST_AT_ONCE: Final = 100
BUSY: Final = "Nothing was reset: another person is changing one of these people right now. Try again."
OWN: Final = "this is you; the page Two-factor authentication, top right, turns off yours"
NOT_SET_UP: Final = "it is not set up"
URL_NAME: Final = "auth_user_reset_second_factor"


class SecondFactorResetAdmin(ConfirmingAdmin, AuditedAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.reset_second_factor_view)
        return [path("reset-second-factor/", view, name=URL_NAME), *super().get_urls()]

    def has_second_factor_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    @admin.action(description=f"{TITLE}…", permissions=["second_factor"])
    def reset_second_factor(self, request: HttpRequest, people: QuerySet[User]) -> HttpResponse | None:
        ids = list(people.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(ids) > MOST_AT_ONCE:
            self.message_user(request, f"Select at most {MOST_AT_ONCE} people at a time.", messages.ERROR)
            return None
        url = f"{reverse(f'admin:{URL_NAME}')}?{urlencode({'ids': ','.join(map(str, ids))})}"
        return HttpResponseRedirect(preserve_list_filters(self, request, url))

    def reset_second_factor_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_second_factor_permission(request):
            raise PermissionDenied
        people = self._read_people(request)
        back = preserve_list_filters(self, request, reverse("admin:auth_user_changelist"))
        with transaction.atomic():
            is_locked = request.method != "POST" or lock_rows(User.objects.filter(pk__in=people))
            devices = _read_devices(people)
            form = ReasonForm(request.POST or None, state=_describe_state(devices))
            if not is_locked:
                form.add_error(None, BUSY)
            able = [user for user in people.values() if user.pk in devices and user.pk != request.user.pk]
            if request.method == "POST" and able and form.is_valid():
                self._reset(request, able, reason=form.cleaned_data["reason"])
                return HttpResponseRedirect(back)
        number = count(len(able), "person", "people")
        line = (
            f"The authenticator app and the recovery codes of {number} will be removed. Until they are set up again,"
            " the password alone is enough to log in, unless two-factor authentication is required."
        )
        context = {
            "lines": [line] if able else ["Nothing to do."],
            "refused": [
                (user.get_username(), OWN if user.pk == request.user.pk else NOT_SET_UP)
                for user in people.values()
                if user not in able
            ],
            "button": TITLE,
            "is_possible": bool(able),
            "back": back,
        }
        title = f"{TITLE}: {count(len(people), 'person', 'people')}"
        return self.confirm(request, title=title, form=form, context=context)

    def _read_people(self, request: HttpRequest) -> dict[int, User]:
        """Return all of the people that the address names, by id. Raises Http404 if one is missing."""
        ids = {parse_id(text) for text in request.GET.get("ids", "").split(",")}
        if None in ids or len(ids) > MOST_AT_ONCE:
            raise Http404
        people = {user.pk: user for user in self.get_queryset(request).filter(pk__in=ids).order_by("pk")}
        if len(people) != len(ids):
            raise Http404
        return people

    def _reset(self, request: HttpRequest, people: Sequence[User], *, reason: str) -> None:
        """Needs the locks of these rows."""
        for user in people:
            TOTPDevice.objects.filter(user=user).delete()
            StaticDevice.objects.filter(user=user).delete()
            self.audit(request, user, action="second_factor_reset", reason=reason)
        done = f"Two-factor authentication was reset for {count(len(people), 'person', 'people')}."
        self.message_user(request, done, messages.SUCCESS)


def _read_devices(people: Mapping[int, User]) -> dict[int, list[str]]:
    """Return the devices of each person who has one, by the person's id."""
    found: dict[int, list[str]] = {}
    models: tuple[Any, ...] = (TOTPDevice, StaticDevice)
    for model in models:
        for device in model.objects.filter(user__in=people).order_by("pk"):
            found.setdefault(device.user_id, []).append(device.persistent_id)
    return found


def _describe_state(devices: Mapping[int, Sequence[str]]) -> str:
    """What the page shows: if someone set up a new app since, the page asks again."""
    return ",".join(f"{user_id}:{'+'.join(ids)}" for user_id, ids in sorted(devices.items()))
