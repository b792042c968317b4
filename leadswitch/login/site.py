"""The admin site: a login needs a password and, if it is set up or required, a code (two-factor authentication)."""

from base64 import b32encode
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import segno
from django import forms
from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, URLPattern, URLResolver, path, resolve, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache

from leadswitch.login import second_factor

WRONG_CODE: Final = (
    "This code is wrong or was already used. Wait for the next one. After several wrong codes the wait"
    " is longer."
)
# For each button: the title of its confirmation page, what happens, and the button that does it.
QUESTIONS: Final = {
    "codes": (
        "Create new recovery codes?",
        "Your old recovery codes stop working. The new ones are shown once.",
        "Create new codes",
    ),
    "off": (
        "Turn off two-factor authentication?",
        "You will log in with your password alone. Your recovery codes are deleted.",
        "Turn off",
    ),
}
# By name: the page imports pages of the admin, which register with this site.
HEALTH: Final = "leadswitch.levels.health_page.view"
NO_PAGES: Final = (None, "login", "logout")


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
    )

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).replace(" ", "")


class FirstCodeForm(CodeForm):
    """There are no recovery codes yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = "Six digits from your authenticator app."


class OperatorSite(AdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and second_factor.is_complete(request)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own: list[URLPattern | URLResolver] = [
            path("second-factor/", self.code_view, name="second_factor"),
            path("second-factor/set-up/", self.set_up_view, name="second_factor_set_up"),
            # Django's own logout page needs access to the admin, which a user without the code does not have yet.
            path("logout/", self.logout, name="logout"),
            path("health/", self.admin_view(self.health_view), name="health"),
        ]
        return own + list(super().get_urls())

    def health_view(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = import_string(f"{HEALTH}.show_health")(
            request, context=self.each_context(request)
        )
        return response

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """With the page "Health", which belongs to no table, beside the page "Dispatch"."""
        apps = list(super().get_app_list(request, app_label))
        page = import_string(f"{HEALTH}.list_page")(request)
        for app in apps if page is not None else ():
            if app["app_label"] == "routing":
                app["models"] = sorted([*app["models"], page], key=lambda each: str(each["name"]))
        return apps

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """With the name of the app alone as its title."""
        app = apps.app_configs.get(app_label)
        title = {"title": app.verbose_name} if app else {}
        return super().app_index(request, app_label, {**title, **(extra_context or {})})

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if self.is_half_way(request):
            return self.to_page("second_factor", request)
        was = request.user
        response = super().login(request, extra_context)
        if not isinstance(response, HttpResponseRedirect):
            return response
        if request.user != was and second_factor.has_device(request.user):
            request.session[second_factor.DUE] = True
        return response if leads_to_a_page(response.url) else redirect("admin:index")

    def is_half_way(self, request: HttpRequest) -> bool:
        """Whether the password was right and the code is still missing."""
        return super().has_permission(request) and not second_factor.is_complete(request)

    @method_decorator(never_cache)
    def code_view(self, request: HttpRequest) -> HttpResponse:
        if not self.is_half_way(request):
            return redirect("admin:login")
        if not second_factor.has_device(request.user):
            return self.to_page("second_factor_set_up", request)
        form = CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            if second_factor.verify(request, form.cleaned_data["code"]):
                place = request.GET.get(REDIRECT_FIELD_NAME, "")
                is_local = url_has_allowed_host_and_scheme(
                    place, {request.get_host()}, require_https=request.is_secure()
                )
                return redirect(place if is_local and leads_to_a_page(place) else "admin:index")
            form.add_error("code", WRONG_CODE)
        return self.page(request, "Two-factor authentication", form=form)

    @method_decorator(never_cache)
    def set_up_view(self, request: HttpRequest) -> HttpResponse:
        if not super().has_permission(request):
            return redirect("admin:login")
        if second_factor.has_device(request.user):
            return self.manage(request) if self.has_permission(request) else redirect("admin:second_factor")
        form = FirstCodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            codes = second_factor.confirm(request, form.cleaned_data["code"])
            if codes is not None:
                return self.page(request, "Your recovery codes", codes=codes)
            form.add_error("code", WRONG_CODE)
        device = second_factor.pending_device(request)
        qr_code = segno.make(device.config_url).svg_inline(scale=5, light="#fff")
        # Made by segno from a URL that it escapes.
        qr_code = mark_safe(qr_code)  # noqa: S308
        return self.page(
            request, "Set up two-factor authentication", form=form, qr_code=qr_code, key=key_of(device)
        )

    def manage(self, request: HttpRequest) -> HttpResponse:
        """Where a user gets new recovery codes, or turns two-factor authentication off unless it is required.

        Each button asks for a confirmation first.
        """
        is_required = second_factor.is_required(request.user)
        is_sure = "sure" in request.POST
        if request.method == "POST" and "codes" in request.POST and is_sure:
            codes = second_factor.renew_recovery_codes(request.user)
            return self.page(request, "Your recovery codes", codes=codes)
        if request.method == "POST" and "off" in request.POST and is_sure and not is_required:
            second_factor.turn_off(request.user)
            return redirect("admin:index")
        asks = next(
            (name for name in QUESTIONS if name in request.POST and not (name == "off" and is_required)), ""
        )
        title, question, button = QUESTIONS.get(asks, ("Two-factor authentication", "", ""))
        return self.page(
            request, title, is_on=True, is_required=is_required, asks=asks, question=question, button=button
        )

    def page(self, request: HttpRequest, title: str, **context: Any) -> HttpResponse:
        values = {**self.each_context(request), "title": title, **context}
        return TemplateResponse(request, "admin/leadswitch/second_factor.html", values)

    def to_page(self, name: str, request: HttpRequest) -> HttpResponse:
        place = request.GET.get(REDIRECT_FIELD_NAME, "")
        query = f"?{urlencode({REDIRECT_FIELD_NAME: place})}" if place else ""
        return HttpResponseRedirect(reverse(f"admin:{name}") + query)


def key_of(device: Any) -> str:
    """Return the key in groups of four, for typing it in."""
    key = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def leads_to_a_page(place: str) -> bool:
    """Whether the path belongs to a page: the admin's last pattern matches every path, and has no name."""
    try:
        return resolve(urlsplit(place).path).url_name not in NO_PAGES
    except Resolver404:
        return False
