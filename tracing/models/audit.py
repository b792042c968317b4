"""The append-only record of what people did: actions on leads and money, and changes of the configuration."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now

from tracing.models.append_only import append_only_triggers


class AuditEntry(models.Model):
    """`before` and `after` contain the changed fields; a value that would identify a person is replaced by "changed".

    It refers to rows by name and id without foreign keys: those rows may be deleted, an entry may not.
    """

    at = models.DateTimeField("time", db_default=Now())
    actor = models.CharField("who", max_length=150, help_text="The user's name at that time.")
    action = models.CharField(max_length=50)
    model = models.CharField(max_length=100, help_text="E.g. distribution.campaign.")
    object_id = models.CharField(max_length=255)
    object_label = models.CharField("name", max_length=200, blank=True)
    workspace_id = models.BigIntegerField(null=True, help_text="Blank if the entry belongs to no workspace.")
    reason = models.CharField("why", max_length=200, blank=True)
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        db_table = "tracing_auditentry"
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [
            models.Index(fields=["object_id", "-id"], name="audit_object_newest"),
            models.Index(fields=["workspace_id", "-id"], name="audit_workspace_newest"),
            models.Index(fields=["actor", "-id"], name="audit_actor_newest"),
        ]
        triggers: ClassVar = append_only_triggers("tracing_auditentry")

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.object_label}"
