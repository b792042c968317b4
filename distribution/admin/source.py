"""The page of sources with what each is owed. Routing may not import contracts, so it is registered here."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Sum
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.admin.payable_actions import PayableActionsAdmin
from distribution.admin.statement import StatementAdmin
from distribution.models import PayableEntry, SourceContract
from distribution.payables.book import read_balance
from routing.admin.source import SourceAdmin
from routing.models import Source
from tracing.admin.columns import NOTHING
from tracing.wording import local_moment, money

SHOWN_VERSIONS = 20


class OwedChangeList(ChangeList):
    """Adds up what the listed sources are owed in one statement."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        sums = PayableEntry.objects.filter(source__in=[row.pk for row in self.result_list]).values_list(
            "source"
        )
        owed = dict(sums.annotate(cents=Sum("amount_cents")))
        for row in self.result_list:
            row.owed_cents = owed.get(row.pk)


@admin.register(Source)
class SourceWithPayablesAdmin(PayableActionsAdmin, StatementAdmin, SourceAdmin):
    list_display: Any = (*SourceAdmin.list_display, "owed")
    readonly_fields: ClassVar[tuple[str, ...]] = (*SourceAdmin.readonly_fields, "owed", "contracts")

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002
        return OwedChangeList

    @admin.display(description="owed")
    def owed(self, source: Source) -> str:
        cents = source.owed_cents if hasattr(source, "owed_cents") else read_balance(source.pk)
        return NOTHING if cents is None else money(cents)

    @admin.display(description="contracts")
    def contracts(self, source: Source) -> SafeString | str:
        """Versions, the one that starts last first."""
        versions = SourceContract.objects.filter(source=source).order_by("-starts_at", "-id")[:SHOWN_VERSIONS]
        zone = source.workspace.timezone
        lines = [
            (each.describe_terms(), local_moment(each.starts_at, timezone=zone), each.actor)
            for each in versions
        ]
        if not lines:
            return "None. Nothing is owed for its leads."
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}, from {} ({})</li>", lines))
