"""The page of sources with what each is owed. Routing may not import contracts, so it is registered here."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.admin.payable_actions import PayableActionsAdmin
from distribution.admin.statement import StatementAdmin
from distribution.models import PayableEntry, SourceContract
from distribution.payables.book import read_balance
from routing.admin.source import SourceAdmin
from routing.intake.ping_figures import PingFigures, read_ping_figures
from routing.models import Source
from tracing.admin.columns import NOTHING
from tracing.wording import local_moment, money

SHOWN_VERSIONS = 20
PINGS_OF: Final = timedelta(days=1)


class OwedChangeList(ChangeList):
    """Adds up what the listed sources are owed in one statement."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        sums = PayableEntry.objects.filter(source__in=[row.pk for row in self.result_list]).values_list(
            "source"
        )
        owed = dict(sums.annotate(cents=Sum("amount_cents")))
        pings = _read_pings([row.pk for row in self.result_list])
        for row in self.result_list:
            row.owed_cents = owed.get(row.pk)
            row.ping_figures = pings.get(row.pk)


def _read_pings(source_ids: Sequence[int]) -> Mapping[int, PingFigures]:
    return read_ping_figures(source_ids, since=timezone.now() - PINGS_OF)


@admin.register(Source)
class SourceWithPayablesAdmin(PayableActionsAdmin, StatementAdmin, SourceAdmin):
    list_display: Any = (*SourceAdmin.list_display, "owed", "pings")
    readonly_fields: ClassVar[tuple[str, ...]] = (
        *SourceAdmin.readonly_fields,
        *("owed", "contracts", "pings"),
    )

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002
        return OwedChangeList

    @admin.display(description="owed")
    def owed(self, source: Source) -> str:
        cents = source.owed_cents if hasattr(source, "owed_cents") else read_balance(source.pk)
        return NOTHING if cents is None else money(cents)

    @admin.display(description="pings of the last 24 hours")
    def pings(self, source: Source) -> str:
        found = (
            source.ping_figures
            if hasattr(source, "ping_figures")
            else _read_pings([source.pk]).get(source.pk)
        )
        return NOTHING if found is None else found.sentence

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
