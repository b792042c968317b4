"""People who sign in to the portal of a buyer: who may, their one-time links, and their sessions.

Links and sessions contain only hashes of their tokens. A fast hash without salt is enough: a token is 32 random bytes.
"""

import hashlib
import secrets
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from uuid6 import uuid7

from distribution.models.buyer import Buyer
from routing.models.ownership import owner_trigger

TOKEN_BYTES: Final = 32
HASH_LENGTH: Final = 64
MAX_EMAIL: Final = 254


def make_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class PortalRole(models.TextChoices):
    """Codes are permanent, because rows contain them."""

    VIEWER = "viewer", "viewer: sees everything, changes nothing"
    MANAGER = "manager", "manager: also changes settings, asks for returns, claims offers"


class PortalUser(models.Model):
    """A person who may see one buyer in the portal. One address may belong to several buyers, a row for each."""

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)
    buyer = models.ForeignKey(
        Buyer,
        on_delete=models.CASCADE,
        related_name="portal_users",
        help_text="The buyer whose leads, wallet and settings this person sees.",
    )
    email = models.EmailField(
        "email address",
        max_length=MAX_EMAIL,
        help_text="Sign-in links are sent here. Anybody who reads this inbox can sign in.",
    )
    name = models.CharField(
        max_length=100, help_text="First and last name. The agency sees it beside each change."
    )
    role = models.CharField(
        max_length=10,
        choices=PortalRole.choices,
        default=PortalRole.VIEWER,
        help_text="A viewer sees everything of the buyer, with contact details, and changes nothing.",
    )
    invited_by = models.CharField(max_length=150, editable=False)
    created_at = models.DateTimeField("invited", db_default=Now(), editable=False)
    last_signed_in_at = models.DateTimeField("last sign-in", null=True, editable=False)

    class Meta:
        db_table = "distribution_portaluser"
        verbose_name = "portal user"
        constraints = [
            models.UniqueConstraint(
                fields=["buyer", "email"],
                name="portaluser_once_each_buyer",
                violation_error_message="This person already has access to this buyer.",
            ),
            models.CheckConstraint(condition=Q(email=Lower(F("email"))), name="portaluser_email_is_lower"),
        ]
        indexes = [models.Index(fields=["email"], name="portaluser_email")]
        triggers: ClassVar = [
            owner_trigger(
                "buyer_id",
                "email",
                name="portal user",
                instead="Remove the person and invite them again.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.buyer.name})"

    @property
    def is_manager(self) -> bool:
        return self.role == PortalRole.MANAGER

    @property
    def actor(self) -> str:
        """Who did it, for the audit log."""
        return f"portal {self.name}"


class PortalLink(models.Model):
    """A mail that the portal owes: a sign-in link for a person who asked, or an invitation without a link of its own.

    Requests for unknown addresses are stored too, without the address: they count for the limits in the same way.
    """

    email = models.EmailField(max_length=MAX_EMAIL, blank=True)
    # Keyed hashes, for the limits.
    email_hash = models.CharField(max_length=HASH_LENGTH, blank=True)
    network_hash = models.CharField(max_length=HASH_LENGTH, blank=True)
    invited = models.ForeignKey(PortalUser, on_delete=models.CASCADE, null=True, related_name="+")
    token_hash = models.CharField(max_length=HASH_LENGTH, null=True, unique=True)  # noqa: DJ001 - no token yet
    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        db_table = "distribution_portallink"
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(token_hash__isnull=False, expires_at__isnull=False),
                name="portallink_used_with_token",
            ),
        ]
        indexes = [
            models.Index(fields=["email_hash", "requested_at"], name="portallink_of_address"),
            models.Index(fields=["network_hash", "requested_at"], name="portallink_of_network"),
            models.Index(fields=["requested_at"], name="portallink_oldest"),
            models.Index(
                fields=["id"], condition=Q(sent_at__isnull=True) & ~Q(email=""), name="portallink_unsent"
            ),
        ]

    def __str__(self) -> str:
        return f"link {self.pk}"


class PortalSession(models.Model):
    """A browser that is signed in for one address. `user` says for which buyer; NULL: the person must choose."""

    token_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    email = models.EmailField(max_length=MAX_EMAIL)
    user = models.ForeignKey(PortalUser, on_delete=models.SET_NULL, null=True, related_name="sessions")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "distribution_portalsession"
        indexes = [
            models.Index(fields=["email"], name="portalsession_email"),
            models.Index(fields=["expires_at"], name="portalsession_oldest"),
        ]

    def __str__(self) -> str:
        return f"session {self.pk}"
