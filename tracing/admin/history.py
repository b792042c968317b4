"""The history page of a row. It shows the row's audit entries and the lines that its admin page adds."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst

from tracing import audit
from tracing.admin.scope import ScopedAdmin
from tracing.models import AuditEntry
from tracing.wording import moment, money

SHOWN: Final = 200
MOST_OF_A_VALUE: Final = 120
CENTS: Final = "_cents"


# Actions whose code is not their name.
ACTIONS: Final[Mapping[str, str]] = {
    "topup": "top-up",
    "rerun": "run again",
    "rights": "groups and permissions changed",
    "recovery_codes_renewed": "new recovery codes created",
    "second_factor_on": "two-factor authentication turned on",
    "second_factor_off": "two-factor authentication turned off",
    "second_factor_reset": "two-factor authentication reset",
}


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """`at` orders the lines. `details`: one text for each changed field."""

    at: datetime
    actor: str
    what: str
    reason: str = ""
    details: tuple[str, ...] = ()


class HistoryAdmin(ScopedAdmin):
    """Replaces Django's history page, which lists only what the admin's own forms saved."""

    def history_of(self, row: Any) -> list[HistoryLine]:
        """Return the newest lines in any order. A page may add its own."""
        return [build_history_line(entry, model=type(row)) for entry in audit.read_entries(row, limit=SHOWN)]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        lines = sorted(self.history_of(row), key=lambda line: line.at, reverse=True)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History: {row}",
            "opts": self.opts,
            "object": row,
            "object_url": reverse(
                f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(row.pk)]
            ),
            "lines": lines[:SHOWN],
            "is_cut": len(lines) >= SHOWN,
            "preserved_filters": self.get_preserved_filters(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/leadswitch/history.html", context)


def describe_action(code: str) -> str:
    return ACTIONS.get(code, code.replace("_", " "))


def build_history_line(entry: AuditEntry, *, model: type[Model]) -> HistoryLine:
    is_new = not entry.before  # otherwise a new row would list every column
    details = () if is_new and entry.action == "added" else tuple(describe_changes(entry, model))
    return HistoryLine(entry.at, entry.actor, capfirst(describe_action(entry.action)), entry.reason, details)


def describe_changes(entry: AuditEntry, model: type[Model] | None) -> Iterator[str]:
    """Yield one text for each changed field. `model` is None if the code no longer has it."""
    for name in {**entry.before, **entry.after}:
        label = _label(model, name)
        before, after = (_describe_value(state.get(name), name=name) for state in (entry.before, entry.after))
        yield f"{label}: changed" if before == after == audit.CHANGED else f"{label}: {before} → {after}"


def _label(model: type[Model] | None, name: str) -> str:
    try:
        field = None if model is None else model._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    words = str(getattr(field, "verbose_name", name)).replace("_", " ")
    return words.removesuffix(" cents").capitalize()


def _describe_value(value: object, *, name: str) -> str:
    if value in (None, "", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith(CENTS):
        return money(value)
    if isinstance(value, str) and name.endswith("_at"):
        return _describe_moment(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_OF_A_VALUE else f"{text[:MOST_OF_A_VALUE]}…"


def _describe_moment(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text


def merge(*lists: Sequence[HistoryLine]) -> list[HistoryLine]:
    return [line for each in lists for line in each]
