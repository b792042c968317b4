"""Where a workspace sends its leads: the first matching rule wins."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from uuid6 import uuid7

from routing.models import wakeup
from routing.models.ownership import owner_trigger
from routing.models.rule_triggers import rule_triggers
from routing.models.workspace import Workspace
from routing.validators import check_condition, check_tags


class RoutingRule(models.Model):
    """The highest priority is checked first; ties by id. An inactive rule is ignored.

    Triggers raise `rules_version` of every workspace whose leads can meet the rule, and refuse a cycle. A rule
    belongs to `workspace`, where the leads are; after it the lead meets the rules of `destination`.
    """

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="rules",
        help_text="The workspace whose leads this rule applies to.",
    )
    name = models.CharField(
        max_length=100,
        help_text="Shown in the trace of each lead the rule routes, so say what the rule is for.",
    )
    priority = models.IntegerField(
        default=0,
        help_text="The rule with the highest priority is checked first. If two are equal, the older one is.",
    )
    active = models.BooleanField(default=True, help_text="Inactive rules are ignored.")
    conditions = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_condition],
        help_text="Which leads this rule routes, e.g. "
        '{"all": [{"field": "state", "op": "eq", "value": "GA"}, {"field": "revenue", "op": "gte", "value": 1000000}]}.'
        " Empty: every lead.",
    )
    destination = models.ForeignKey(
        Workspace,
        on_delete=models.PROTECT,
        related_name="incoming_rules",
        help_text="The workspace the lead goes to. That workspace's rules are checked next.",
    )
    tags = ArrayField(
        models.CharField(max_length=30),
        validators=[check_tags],
        default=list,
        blank=True,
        help_text="Tags for reports, separated by commas. They appear in the trace of each lead that this rule routed.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "routing_rule"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="rule_workspace_name_unique"),
            models.CheckConstraint(
                condition=~Q(workspace=F("destination")),
                name="rule_leads_elsewhere",
                violation_error_message="A rule cannot route leads to its own workspace. Choose another destination.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["workspace", "-priority", "id"], condition=Q(active=True), name="rule_in_order"
            ),
        ]
        triggers: ClassVar = [
            *rule_triggers(),
            *wakeup.rule_triggers(),
            owner_trigger(
                "workspace_id",
                name="rule",
                instead="Uncheck Active and add a rule to the other workspace.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
