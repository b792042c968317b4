"""Endpoints that are asked for bids."""

from typing import ClassVar

from django.db import models

from distribution.models.endpoint import Endpoint
from distribution.models.methods import Purpose


class PingEndpoints(models.Manager["PingEndpoint"]):
    def get_queryset(self) -> "models.QuerySet[PingEndpoint]":
        return super().get_queryset().filter(purpose=Purpose.PING)


class PingEndpoint(Endpoint):
    """An endpoint that is asked for bids. It has no table of its own."""

    objects: ClassVar[PingEndpoints] = PingEndpoints()

    class Meta:
        proxy = True
        default_permissions = ()  # who may see endpoints sees these
        verbose_name = "ping endpoint"
