"""The keys with which a buyer's programs read the API."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager

from distribution.models.buyer import Buyer


class BuyerScope(models.TextChoices):
    """What a key may do. Codes are permanent: rows keep them."""

    READ = "read", "read: wallet, ledger, bought and missed leads"


def default_scopes() -> list[str]:
    return [BuyerScope.READ.value]


class BuyerKeyManager(BaseAPIKeyManager):
    """Finds keys together with what a request needs next, in one statement."""

    def get_usable_keys(self) -> "models.QuerySet[BuyerKey]":
        return super().get_usable_keys().select_related("buyer", "buyer__workspace")


class BuyerKey(AbstractAPIKey):
    """A prefix for look-up and a hash; the secret itself is shown once and not stored."""

    objects: ClassVar[BuyerKeyManager] = BuyerKeyManager()  # type: ignore[assignment]
    buyer = models.ForeignKey(Buyer, on_delete=models.CASCADE, related_name="keys")
    scopes = ArrayField(
        models.CharField(max_length=20, choices=BuyerScope.choices),
        default=default_scopes,
        help_text="What this key may do.",
    )

    class Meta(AbstractAPIKey.Meta):
        db_table = "distribution_buyerkey"
        verbose_name = "buyer key"
        verbose_name_plural = "buyer keys"
        constraints = [
            models.CheckConstraint(condition=~Q(scopes=[]), name="buyerkey_has_a_scope"),
        ]
