"""What every kind of API key has in common: its text and hash, an id of its own, a prefix for lookup, and scopes.

A key's text is `<prefix>.<secret>`. The prefix finds the row; the row contains the SHA-512 of the whole text. A fast
hash without salt is enough here: the secret is 32 random characters, too many to guess.
"""

import hashlib
import re
from typing import Any, ClassVar, Final

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.crypto import constant_time_compare, get_random_string
from uuid6 import uuid7

PREFIX_LENGTH: Final = 8
SECRET_LENGTH: Final = 32
# What generate_key_text makes. Anything else never reaches the database.
KEY_SHAPE: Final = re.compile(rf"([A-Za-z0-9]{{{PREFIX_LENGTH}}})\.[A-Za-z0-9]{{{SECRET_LENGTH}}}")
# Names the algorithm, so that another one can follow; between the two $ there is no salt.
HASH_HEAD: Final = "sha512$$"


def generate_key_text() -> str:
    return f"{get_random_string(PREFIX_LENGTH)}.{get_random_string(SECRET_LENGTH)}"


def hash_key(text: str) -> str:
    return HASH_HEAD + hashlib.sha512(text.encode()).hexdigest()


# Compared with when no key has the prefix, so that an unknown prefix takes as long as a wrong secret.
NO_KEY_HASH: Final = hash_key("no key has this hash")


def is_key(text: str, *, hashed: str | None) -> bool:
    """Whether `text` has this hash, compared in constant time. None: no key was found; always False."""
    matches = constant_time_compare(hash_key(text), NO_KEY_HASH if hashed is None else hashed)
    return matches and hashed is not None


def new_key_id() -> str:
    return str(uuid7())


class ScopedKeyManager(models.Manager[Any]):
    def assign_key(self, key: "ScopedKey") -> str:
        """Give an unsaved key its secret. Returns the text, which is shown only once."""
        text = generate_key_text()
        key.prefix, key.hashed_key = text[:PREFIX_LENGTH], hash_key(text)
        return text

    def create_key(self, **fields: Any) -> tuple[Any, str]:
        """Store a new key; the row and its text. Leaves no entry in the audit log: people use access.api_keys."""
        key = self.model(**fields)
        text = self.assign_key(key)
        key.save(force_insert=True)
        return key, text


class ScopedKey(models.Model):
    """The secret itself is shown once and not stored. Subclasses give `scopes` its choices and its default, and name
    the field that says whose key it is.

    The id is a UUID in a text column: a column of another type would fail the prepared statements of processes that
    run while the table is migrated, and with them every request that carries a key.
    """

    objects: ClassVar[ScopedKeyManager] = ScopedKeyManager()

    id = models.CharField(max_length=150, primary_key=True, default=new_key_id, editable=False)
    prefix = models.CharField(max_length=PREFIX_LENGTH, unique=True, editable=False)
    hashed_key = models.CharField(max_length=150, editable=False)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    name = models.CharField(
        max_length=50,
        default=None,
        help_text="Where the key is used. At most 50 characters.",
    )
    revoked = models.BooleanField(
        blank=True,
        default=False,
        help_text="A revoked key is rejected. You cannot undo this.",
    )
    expiry_date = models.DateTimeField(
        "Expires",
        blank=True,
        null=True,
        help_text="The key is rejected from this time on. Leave blank if it never expires.",
    )
    # At most a minute too early.
    last_used_at = models.DateTimeField("last used", blank=True, null=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=20))
    owner_field: ClassVar[str]
    kept_in_rotation: ClassVar[tuple[str, ...]] = ("name", "expiry_date")

    class Meta:
        abstract = True
        ordering = ("-created",)

    def __str__(self) -> str:
        return str(self.name)

    @property
    def actor(self) -> str:
        """Who did it, for the audit log: the key, and not a person."""
        return f"key {self.name} ({self.prefix})"

    @property
    def owner(self) -> Any:
        """The source, the buyer or the workspace."""
        return getattr(self, self.owner_field)

    @property
    def owner_workspace(self) -> Any:
        """The workspace of the owner."""
        return self.owner.workspace

    @property
    def owner_workspace_id(self) -> int:
        """Without reading the workspace."""
        found: int = self.owner.workspace_id
        return found

    @property
    def granted_scopes(self) -> list[str]:
        """What the key may do."""
        return list(self.scopes)

    def make_successor(self) -> "ScopedKey":
        """Return an unsaved key of the same owner that may do the same."""
        kept = {name: getattr(self, name) for name in (self.owner_field, *self.kept_in_rotation)}
        return type(self)(scopes=self.granted_scopes, **kept)

    def has_scope(self, scope: str) -> bool:
        return scope in self.granted_scopes


def id_is_no_hash(table: str) -> models.CheckConstraint:
    """Every hash has a $."""
    return models.CheckConstraint(condition=~models.Q(id__contains="$"), name=f"{table}_id_is_no_hash")


def revocation_trigger() -> pgtrigger.Trigger:
    """Refuse to make a revoked key valid again: a key that leaked must not work again by a script or an old form.

    The refusal is a check violation named revoked_key_stays_revoked.
    """
    return pgtrigger.Trigger(
        name="revoked_key_stays_revoked",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf("revoked"),
        condition=pgtrigger.Condition("(OLD.revoked AND NOT NEW.revoked)"),
        func="""
            RAISE EXCEPTION 'Key % is revoked and stays revoked. Issue a new key.', OLD.prefix
            USING ERRCODE = 'check_violation', CONSTRAINT = 'revoked_key_stays_revoked', TABLE = TG_TABLE_NAME;
        """,
    )
