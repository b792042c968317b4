"""Changes after which leads were tried again: what was changed, and how many leads it woke."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from routing.models import Wakeup
from tracing.admin.columns import time_column, word_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.named import NamingAdmin, named_field
from tracing.parsing import parse_id
from tracing.skip_reasons import SKIP_REASONS
from tracing.vocabulary import WAKE_CAUSES


@admin.register(Wakeup)
class WakeupAdmin(NamingAdmin):
    workspace_path = "workspace_id"
    list_display = ("id", "what", "matched", "woken", "changed", "finished")
    list_filter = (WorkspaceFilter, "cause")
    empty_list_text = (
        "Changes that may let waiting leads sell are listed here, such as a raised cap or a wallet top-up."
    )
    search_help_text = "Id of a change, as shown in an attempt's first event."
    exact_searches = {"pk": parse_id}
    fields = (
        *("what", "workspace", "campaign", "buyer", "skip_reasons", "hours"),
        *("matched", "woken", "changed", "finished"),
    )
    readonly_fields = ("what", "workspace", "campaign", "buyer", "skip_reasons", "changed", "finished")
    named = {
        "workspace_id": "routing.workspace",
        "campaign_id": "distribution.campaign",
        "buyer_id": "distribution.buyer",
    }
    workspace = named_field("workspace_id", label="workspace")
    campaign = named_field("campaign_id", label="campaign")
    buyer = named_field("buyer_id", label="buyer")
    what = word_column("cause", words=WAKE_CAUSES, label="what changed")
    changed = time_column("created_at", label="changed")
    finished = time_column("done_at", label="finished")

    @admin.display(description="reasons it may remove")
    def skip_reasons(self, wakeup: Wakeup) -> str:
        return ", ".join(
            SKIP_REASONS[code].label if code in SKIP_REASONS else code for code in wakeup.reasons
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """A user who may see leads may see what woke them. The table has no permission of its own."""
        return bool(request.user.has_perm("routing.view_lead"))
