"""The statement of a source as a page and as CSV."""

import csv
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode

from distribution.admin.payable_actions import SEE
from distribution.admin.payable_forms import PeriodForm
from distribution.payables.charged_back import MAX_LISTED, ChargedBackLead
from distribution.payables.statement import Figures, Statement, current_month, read_statement
from routing.models import Source
from routing.values.spreadsheet import guard_cell
from tracing.admin.confirming import ConfirmingAdmin
from tracing.wording import money

COLUMNS: Final = (
    *("day", "leads", "sales", "returns", "charged back"),
    *("earned", "deducted", "adjusted", "paid", "balance"),
)
LEAD_COLUMNS: Final = ("day", "lead", "sender's id", "deducted")
CSV: Final = "csv"


class StatementAdmin(ConfirmingAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_statement)
        return [
            path("<path:object_id>/statement/", view, name="routing_source_statement"),
            *super().get_urls(),
        ]

    def show_statement(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """`?format=csv` answers with a file."""
        self.require(SEE, request=request)
        source: Source | None = self.get_object(request, object_id)
        if source is None:
            raise Http404
        month = dict(zip(("first_day", "last_day"), current_month(source, at=timezone.now()), strict=True))
        form = PeriodForm({**month, **{name: request.GET[name] for name in month if name in request.GET}})
        if not form.is_valid():
            return self._render(request, source, form, None)
        statement = read_statement(
            source, first_day=form.cleaned_data["first_day"], last_day=form.cleaned_data["last_day"]
        )
        if request.GET.get("format") == CSV:
            return _respond_csv(statement)
        return self._render(request, source, form, statement)

    def _render(
        self, request: HttpRequest, source: Source, form: PeriodForm, statement: Statement | None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Statement: {source}",
            "opts": self.opts,
            "media": self.media,
            "form": form,
            "back": reverse("admin:routing_source_change", args=[source.pk]),
        }
        if statement is not None:
            rows = list(_list_rows(statement))
            lead_rows = [_lead_row(lead) for lead in statement.charged_back]
            context |= {
                "statement": statement,
                "columns": COLUMNS,
                "rows": rows,
                "cells": [list(zip(COLUMNS, row, strict=True)) for row in rows],
                "lead_columns": LEAD_COLUMNS,
                "lead_rows": lead_rows,
                "lead_cells": [list(zip(LEAD_COLUMNS, row, strict=True)) for row in lead_rows],
                "max_leads": f"{MAX_LISTED:,}",
                "opening": money(statement.opening_cents),
                "closing": money(statement.closing_cents),
                "csv_query": urlencode(
                    {
                        "first_day": statement.first_day.isoformat(),
                        "last_day": statement.last_day.isoformat(),
                        "format": CSV,
                    }
                ),
            }
        return TemplateResponse(
            request, "admin/leadswitch/statement.html", context, status=200 if statement else 400
        )


def _list_rows(statement: Statement) -> Iterator[tuple[str, ...]]:
    """Each day, then the total."""
    for each in statement.days:
        yield _row(each.day, each.figures, each.balance_cents, money)
    yield _row("Total", statement.total, statement.closing_cents, money)


def _row(
    day: date | str, figures: Figures, balance_cents: int, describe: Callable[[int], str]
) -> tuple[str, ...]:
    cents = (figures.earned_cents, figures.deducted_cents, figures.adjusted_cents, figures.paid_cents)
    counts = (figures.leads, figures.sales, figures.returns, figures.charged_back)
    return (str(day), *map(str, counts), *map(describe, (*cents, balance_cents)))


def _lead_row(lead: ChargedBackLead) -> tuple[str, ...]:
    return (str(lead.day), str(lead.lead_id), lead.external_id or "-", money(lead.deducted_cents))


def _dollars(cents: int) -> str:
    """A number that a spreadsheet adds up."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _respond_csv(statement: Statement) -> HttpResponse:
    """The first row has what was owed before the first day, and the last row the totals."""
    name = f"statement-{statement.source.name}-{statement.first_day}-{statement.last_day}.csv"
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""},
    )
    writer = csv.writer(response)
    writer.writerow(("source", "time_zone", *COLUMNS))
    head = (guard_cell(statement.source.name), statement.timezone)
    writer.writerow((*head, "opening", *[""] * (len(COLUMNS) - 2), _dollars(statement.opening_cents)))
    for each in statement.days:
        writer.writerow((*head, *_row(each.day, each.figures, each.balance_cents, _dollars)))
    writer.writerow((*head, *_row("total", statement.total, statement.closing_cents, _dollars)))
    return response
