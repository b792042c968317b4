"""Endpoints that get events."""

from typing import ClassVar

from django.db import models

from distribution.models.endpoint import Endpoint


class Subscriptions(models.Manager["Subscription"]):
    def get_queryset(self) -> "models.QuerySet[Subscription]":
        return super().get_queryset().exclude(events=[])


class Subscription(Endpoint):
    """An endpoint that gets events. It has no table of its own."""

    objects: ClassVar[Subscriptions] = Subscriptions()

    class Meta:
        proxy = True
        default_permissions = ()  # who may see endpoints sees these
        verbose_name = "subscription"
