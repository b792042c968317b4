"""The secrets that sign the messages of an endpoint."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from distribution.models.encrypted import EncryptedTextField
from distribution.models.endpoint import Endpoint
from routing.models.ownership import owner_trigger


class EndpointSecret(models.Model):
    """A secret that signs messages. Two are live while a buyer changes over; the newest signs first."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="secrets")
    secret = EncryptedTextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="When it no longer signs. Empty: it signs until it is replaced."
    )

    class Meta:
        db_table = "distribution_endpointsecret"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint"],
                condition=Q(expires_at__isnull=True),
                name="endpointsecret_one_without_end",
            )
        ]
        triggers: ClassVar = [
            owner_trigger("endpoint_id", name="secret", instead="Make a new secret for the other endpoint.")
        ]

    def __str__(self) -> str:
        return f"Secret of {self.endpoint}"
