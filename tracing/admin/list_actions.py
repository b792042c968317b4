"""Actions of lists that open a confirmation page for the selected rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from tracing.admin.confirming import preserve_list_filters
from tracing.admin.scope import ScopedAdmin

ListAction = Callable[..., HttpResponse | None]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list selects: `plural` names its rows, and at most `most` of them are selected at a time.

    `permission`: that of the list's method has_<permission>_permission. `url`: of the confirmation page, by list, name
    of the action and ids.
    """

    plural: str
    permission: str
    most: int
    url: Callable[[ScopedAdmin, str, Sequence[int]], str]


def list_action(name: str, *, title: str, selection: Selection) -> ListAction:
    """An action that leads to its confirmation page, and from there back to the list as it was filtered."""
    most, plural = selection.most, selection.plural

    @admin.action(description=f"{title}…", permissions=[selection.permission])
    def choose(page: ScopedAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        ids = list(queryset.values_list("pk", flat=True)[: most + 1])
        if len(ids) > most:
            page.message_user(request, f"Select at most {most} {plural} at a time.", messages.ERROR)
            return None
        url = selection.url(page, name, ids)
        return HttpResponseRedirect(preserve_list_filters(page, request, url))

    choose.__name__ = f"{name}_{plural}"
    return choose
