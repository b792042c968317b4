"""The history page of a row. It shows the row's audit entries and the lines that its admin page adds."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from tracing import audit
from tracing.admin.references import References, find_field, find_reference, read_references
from tracing.admin.scope import ScopedAdmin
from tracing.models import AuditEntry
from tracing.wording import moment, money

SHOWN: Final = 200
MAX_VALUE_CHARACTERS: Final = 120
CENTS: Final = "_cents"


# Actions whose code is not their name.
ACTIONS: Final[Mapping[str, str]] = {
    "topup": "top-up",
    "card_added": "card added",
    "card_removed": "card removed",
    "card_payment": "credits bought by card",
    "card_refund": "refund to the card asked for",
    "card_lookup": "looked up at the card provider",
    "recharge": "automatic recharge changed",
    "statement_resent": "mailed again",
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
    details: tuple[SafeString, ...] = ()


class HistoryAdmin(ScopedAdmin):
    """Replaces Django's history page, which lists only what the admin's own forms saved."""

    def history_of(self, row: Any, *, request: HttpRequest) -> list[HistoryLine]:
        """Return the newest lines in any order. A page may add its own."""
        entries = audit.read_entries(row, limit=SHOWN)
        return build_history_lines(entries, model=type(row), request=request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **named: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:
            context["subtitle"] = self.title_of(row)
        return super().render_change_form(request, context, *arguments, **named)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        lines = sorted(self.history_of(row, request=request), key=lambda line: line.at, reverse=True)
        title = self.title_of(row)
        context = {
            **self.admin_site.each_context(request),
            "title": f"History: {title}",
            "opts": self.opts,
            "object": row,
            "object_title": title,
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


def build_history_lines(
    entries: Sequence[AuditEntry], *, model: type[Model], request: HttpRequest
) -> list[HistoryLine]:
    """Return one line for each entry. `model`: the model of their rows."""
    references = read_references(entries, model=model, request=request)
    return [_build_history_line(entry, model=model, references=references) for entry in entries]


def _build_history_line(entry: AuditEntry, *, model: type[Model], references: References) -> HistoryLine:
    is_new = not entry.before  # otherwise a new row would list every column
    is_short = is_new and entry.action == "added"
    details = () if is_short else tuple(describe_changes(entry, model=model, references=references))
    return HistoryLine(entry.at, entry.actor, capfirst(describe_action(entry.action)), entry.reason, details)


def describe_changes(
    entry: AuditEntry, *, model: type[Model] | None, references: References
) -> Iterator[SafeString]:
    """Yield one text for each changed field. `model` is None if the code no longer has it.

    `references`: what read_references returns for the entry.
    """
    for name in {**entry.before, **entry.after}:
        label = describe_field(model, name)
        before, after = (
            _describe(value, model=model, name=name, references=references)
            for value in (entry.before.get(name), entry.after.get(name))
        )
        if before == after == audit.CHANGED:
            yield format_html("{}: changed", label)
        else:
            yield format_html("{}: {} → {}", label, before, after)


def describe_field(model: type[Model] | None, name: str) -> str:
    """What forms call a field. Amounts have no unit: forms add "($)", and a history shows the values with "$"."""
    words = str(getattr(find_field(model, name), "verbose_name", name)).replace("_", " ")
    return words.removesuffix(" cents").capitalize()


def _describe(value: object, *, model: type[Model] | None, name: str, references: References) -> str:
    """A row by its name. Any other value as text."""
    reference = find_reference(model, name, value)
    known = None if reference is None else references.get(reference)
    return _describe_value(value, name=name) if known is None else known


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
    return text if len(text) <= MAX_VALUE_CHARACTERS else f"{text[:MAX_VALUE_CHARACTERS]}…"


def _describe_moment(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text


def merge(*lists: Sequence[HistoryLine]) -> list[HistoryLine]:
    return [line for each in lists for line in each]
