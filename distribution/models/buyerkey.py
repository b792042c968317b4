"""The keys with which a buyer's programs read the API."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from distribution.models.buyer import Buyer
from routing.models.apikey import ScopedKey, id_is_no_hash, revocation_trigger
from routing.models.ownership import owner_trigger


class BuyerScope(models.TextChoices):
    """What a key may do, always with its own buyer's data. Codes are permanent, because rows contain them."""

    ACCOUNT_READ = "account:read", "account:read: its name, this key, its campaigns with bids and caps"
    WALLET_READ = "wallet:read", "wallet:read: wallet and ledger"
    ASSIGNMENTS_READ = "assignments:read", "assignments:read: the leads it bought, with contact details"
    RETURNS_READ = "returns:read", "returns:read: its return requests and the rules for them"
    RETURNS_WRITE = "returns:write", "returns:write: ask for returns and withdraw them"
    SUBSCRIPTIONS_READ = "subscriptions:read", "subscriptions:read: its subscriptions to events"
    SUBSCRIPTIONS_WRITE = "subscriptions:write", "subscriptions:write: subscribe to events and end it"
    MISSED_READ = "missed:read", "missed:read: the leads it missed, and why"
    ACCOUNT_WRITE = (
        "account:write",
        "account:write: change its profile, area, hours, answers, filters, caps, bids, and pause",
    )
    ENDPOINTS_READ = "endpoints:read", "endpoints:read: where its leads are sent, without secrets"
    ENDPOINTS_WRITE = (
        "endpoints:write",
        "endpoints:write: add, change, test and delete endpoints, make new secrets",
    )
    OFFERS_READ = "offers:read", "offers:read: the leads it is offered, without contact details"
    OFFERS_WRITE = "offers:write", "offers:write: claim offered leads, which charges its wallet"
    MONEY_WRITE = "money:write", "money:write: top up its wallet by card"


# Keys from before scopes existed have only this scope. It means all scopes of that time.
FORMER_READ: Final = "read"
OF_FORMER_READ: Final = (
    *(BuyerScope.ACCOUNT_READ, BuyerScope.WALLET_READ),
    *(BuyerScope.ASSIGNMENTS_READ, BuyerScope.MISSED_READ),
)
# What changes an account, spends its credits or charges a card is granted on purpose.
_GRANTED_BY_HAND: Final = frozenset(
    {
        *(BuyerScope.ACCOUNT_WRITE, BuyerScope.ENDPOINTS_READ, BuyerScope.ENDPOINTS_WRITE),
        *(BuyerScope.OFFERS_READ, BuyerScope.OFFERS_WRITE, BuyerScope.MONEY_WRITE),
    }
)


def default_scopes() -> list[str]:
    return [scope.value for scope in BuyerScope if scope not in _GRANTED_BY_HAND]


def _ending_with(action: str) -> tuple[str, ...]:
    return tuple(scope.value for scope in BuyerScope if scope.value.endswith(action))


# Presets: sets of scopes under one name. A key stores its scopes, so a scope that a preset gets later is not granted.
PRESETS: Final[Mapping[str, tuple[str, ...]]] = {
    "read": _ending_with(":read"),
    "write": tuple(code for code in _ending_with(":write") if code != BuyerScope.MONEY_WRITE),
    "money": (BuyerScope.WALLET_READ.value, BuyerScope.MONEY_WRITE.value),
}


def expand_presets(names: Sequence[str]) -> list[str]:
    """Replace each preset by its scopes. Other names stay, so that the check of scopes names them."""
    expanded = [code for name in names for code in PRESETS.get(name, (name,))]
    return list(dict.fromkeys(expanded))


class BuyerKey(ScopedKey):
    """A key of a buyer."""

    owner_field = "buyer"
    buyer = models.ForeignKey(Buyer, on_delete=models.CASCADE, related_name="keys")
    scopes = ArrayField(
        models.CharField(max_length=20, choices=BuyerScope.choices),
        default=default_scopes,
        help_text="What this key may do.",
    )

    class Meta(ScopedKey.Meta):
        db_table = "distribution_buyerkey"
        verbose_name = "buyer key"
        verbose_name_plural = "buyer keys"
        constraints = [
            models.CheckConstraint(condition=~Q(scopes=[]), name="buyerkey_has_a_scope"),
            id_is_no_hash("buyerkey"),
        ]
        triggers: ClassVar = [
            owner_trigger("buyer_id", name="key", instead="Revoke it and issue a key for the other buyer."),
            revocation_trigger(),
        ]

    @property
    def granted_scopes(self) -> list[str]:
        return [scope.value for scope in OF_FORMER_READ] if FORMER_READ in self.scopes else list(self.scopes)
