"""Actions with a confirmation page. It says what will happen to how many rows, asks for a reason, and acts on POST."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tracing.admin.fresh import REASON_HELP, SeenForm
from tracing.admin.scope import ScopedAdmin
from tracing.audit import MAX_REASON


def preserve_list_filters(page: ScopedAdmin, request: HttpRequest, url: str, *, opts: Any = None) -> str:
    """The address with the filters, search, order and page of the list that the person came from.

    Django passes them in `_changelist_filters`. The address of the list itself gets them unchanged.
    """
    context = {"preserved_filters": page.get_preserved_filters(request), "opts": opts or page.opts}
    path, mark, query = url.partition("?")
    filtered_url: str = add_preserved_filters(context, path)
    return f"{filtered_url}{'&' if '?' in filtered_url else '?'}{query}" if mark else filtered_url


class ReasonForm(SeenForm):
    """The first question has the focus."""

    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON,
        strip=True,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=f"Required. {REASON_HELP}",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visible_fields()[0].field.widget.attrs["autofocus"] = True


class ConfirmingAdmin(ScopedAdmin):
    """Renders the confirmation page between a button and its action."""

    def require(self, permission: str, *, request: HttpRequest) -> None:
        if not (request.user.is_active and request.user.has_perm(permission)):
            raise PermissionDenied

    def confirm(
        self, request: HttpRequest, *, title: str, form: forms.Form, context: Mapping[str, Any]
    ) -> HttpResponse:
        return TemplateResponse(
            request,
            "admin/leadswitch/confirm.html",
            {
                **self.admin_site.each_context(request),
                "title": title,
                "opts": self.opts,
                "form": form,
                "media": self.media + form.media,
                **context,
            },
            status=400 if form.errors else 200,
        )
