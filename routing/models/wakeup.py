"""Changes after which leads that waited or failed are tried again, and which leads those are.

Triggers write a row for each change of a cause, through the database function `routing_wake` (migration 0022): so no
path around the forms leaves leads behind. It makes the first leads due in the transaction of the change;
`reconcile wakeups` does the rest.
"""

from typing import Final

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tracing.vocabulary import WAKE_CAUSES

# Not a skip reason: an operator ended the retries, so no change wakes the lead.
GIVEN_UP = "given_up"


# An unsold lead may find a buyer on another route.
_UNSOLD: Final = (
    "no_campaign, no_enrolled_buyers, no_eligible_buyers, no_eligible_buyers_after_tier_filters, all_buyers_capped, "
    "all_buyers_outside_hours, insufficient_credits, outside_campaign_hours"
)
_WAKE: Final = (
    "PERFORM routing_wake('{cause}', {workspace}, NULL, NULL, ARRAY[''], ARRAY[NULL::bigint], {reasons});"
)


def workspace_trigger() -> pgtrigger.Trigger:
    wake = _WAKE.format(
        cause="workspace_hours_changed", workspace="NEW.id", reasons="ARRAY['outside_workspace_hours']"
    )
    return pgtrigger.Trigger(
        name="wake_on_hours",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("hours", "timezone"),
        condition=pgtrigger.Condition(
            "(ROW(NEW.hours, NEW.timezone) IS DISTINCT FROM ROW(OLD.hours, OLD.timezone))"
        ),
        func=f"{wake} RETURN NULL;",
    )


def rule_triggers() -> list[pgtrigger.Trigger]:
    """Of the leads that are in the rule's workspace: it decides where they go from there."""
    reasons = f"string_to_array('{_UNSOLD}', ', ')"
    wake = _WAKE.format(cause="rule_changed", workspace="NEW.workspace_id", reasons=reasons)
    what = "conditions, {row}.destination_id, {row}.priority, {row}.active, {row}.workspace_id"
    new, old = (f"ROW({row}.{what.format(row=row)})" for row in ("NEW", "OLD"))
    columns = ("conditions", "destination_id", "priority", "active", "workspace_id")
    return [
        pgtrigger.Trigger(
            name="wake_on_insert",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            condition=pgtrigger.Condition("(NEW.active)"),
            func=f"{wake} RETURN NULL;",
        ),
        pgtrigger.Trigger(
            name="wake_on_update",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf(*columns),
            condition=pgtrigger.Condition(f"({new} IS DISTINCT FROM {old})"),
            func=f"{wake} RETURN NULL;",
        ),
    ]


class Wakeup(models.Model):
    """One change. It names no row by a foreign key: it explains attempts, as a trace does, and outlives what it names.

    `scopes`: of each campaign that it concerns the vertical ("" for any) and the source (NULL for any) side by side.
    """

    cause = models.CharField(max_length=30)
    workspace_id = models.BigIntegerField()
    campaign_id = models.BigIntegerField(null=True)
    buyer_id = models.BigIntegerField(null=True)
    verticals = ArrayField(models.TextField())
    sources = ArrayField(models.BigIntegerField(null=True))
    reasons = ArrayField(models.TextField(), help_text="Skip reasons that this change may have removed.")
    hours = models.PositiveSmallIntegerField(
        help_text="Leads received more than this many hours ago are not retried early."
    )
    transaction = models.BigIntegerField(help_text="PostgreSQL's id of the transaction that made the change.")
    snapshot = models.TextField(
        default="",
        db_default="",
        help_text="Which transactions were finished when this was written, as a pg_snapshot.",
    )
    matched = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Leads found when the change was made, up to 10,001."
    )
    woken = models.PositiveIntegerField(default=0, db_default=0)
    lead_ids = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    created_at = models.DateTimeField()
    swept_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "routing_wakeup"
        verbose_name = "wake-up"
        verbose_name_plural = "wake-ups"
        default_permissions = ()
        indexes = [
            models.Index(fields=["id"], condition=Q(done_at__isnull=True), name="wakeup_open"),
            models.Index(fields=["transaction"], name="wakeup_transaction"),
            models.Index(fields=["done_at"], condition=Q(done_at__isnull=False), name="wakeup_done"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {WAKE_CAUSES.get(self.cause, self.cause)}"
