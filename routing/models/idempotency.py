"""The answer to a request with an Idempotency-Key, so that a repeat gets the same answer."""

from django.db import models
from django.db.models.functions import Now

from routing.models.workspace import Workspace


class IdempotencyRecord(models.Model):
    """Written in the transaction that does the work, so both exist or neither.

    Keys are separated by the owner of the API key, never by workspace: two forms that number their requests alike
    would each get the other's lead. `owner_id` is NULL in records of an earlier version, which nothing looks up.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    owner_id = models.UUIDField(
        null=True, help_text="Public id of the source or buyer whose API key the request carried."
    )
    route = models.CharField(max_length=100)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of the request's body; the order of JSON keys does not matter."
    )
    status_code = models.PositiveSmallIntegerField()
    response = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "routing_idempotencyrecord"
        constraints = [
            models.UniqueConstraint(fields=["owner_id", "route", "key"], name="idempotency_owner_route_key")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_created_at")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
