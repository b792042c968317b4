"""What every kind of API key has in common: an id of its own, a prefix for look-up, a hash, and scopes."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from rest_framework_api_key.models import AbstractAPIKey, BaseAPIKeyManager
from uuid6 import uuid7


def new_key_id() -> str:
    return str(uuid7())


class ScopedKeyManager(BaseAPIKeyManager):
    """The library's primary key holds the hash, and so do addresses, logs and the audit. This one leaves it alone."""

    def assign_key(self, obj: AbstractAPIKey) -> str:
        text: str
        text, obj.prefix, obj.hashed_key = self.key_generator.generate()
        return text


class ScopedKey(AbstractAPIKey):
    """The secret itself is shown once and not stored. Subclasses give `scopes` its choices and its default, and name
    the field that says whose key it is.

    The id is a UUID in a text column: a column of another type would fail the prepared statements of processes that
    run while the table is migrated, and with them every request that carries a key.
    """

    id = models.CharField(max_length=150, primary_key=True, default=new_key_id, editable=False)
    scopes = ArrayField(models.CharField(max_length=20))
    owner_field: ClassVar[str]

    class Meta(AbstractAPIKey.Meta):
        abstract = True

    @property
    def owner(self) -> Any:
        """The source or the buyer."""
        return getattr(self, self.owner_field)

    @property
    def granted_scopes(self) -> list[str]:
        """What the key may do."""
        return list(self.scopes)

    def has_scope(self, scope: str) -> bool:
        return scope in self.granted_scopes


def id_is_no_hash(table: str) -> models.CheckConstraint:
    """Every hasher puts a $ into what it makes."""
    return models.CheckConstraint(condition=~models.Q(id__contains="$"), name=f"{table}_id_is_no_hash")
