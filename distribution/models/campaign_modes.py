"""How a campaign chooses buyers, when it charges them, and what follows an offer that nobody took."""

from typing import Final

from django.db import models


class CampaignMode(models.TextChoices):
    ROUND_ROBIN = "round_robin", "round robin: the buyer that has waited longest"
    WEIGHTED = "weighted", "weighted: in proportion to the weights, spread evenly"
    PRIORITY = "priority", "priority: highest first"
    PRICE = "price", "price: highest price first"
    PING_POST = (
        "ping_post",
        "ping post: buyers are shown the lead without contact data, and the first claim gets it",
    )
    AUCTION = "auction", "auction: buyers bid for the lead, and the best bid gets it"


PUSH_MODES: Final = CampaignMode.choices[:4]
# Modes in which a lead is offered before it is sold.
OFFERING: Final = (CampaignMode.PING_POST, CampaignMode.AUCTION)


class OfferFallback(models.TextChoices):
    PUSH = "push", "push: the lead is sold at once to the buyer that ranks first"
    NEXT_CAMPAIGN = "next_campaign", "next campaign: the next campaign that takes the lead"
    UNSOLD = "unsold", "unsold: the lead is not sold, and a person decides"


class VerificationNeed(models.TextChoices):
    NONE = "none", "none: leads are sold without it"
    REQUIRED = "required", "required: the person is called, and confirms the request, before the lead is sold"
    UNLESS_CONSENT = (
        "unless_consent",
        "required without proof: the person is called unless the lead has proof of consent of the kind below",
    )


class ConsentProof(models.TextChoices):
    GIVEN_AT = "given_at", "the time at which the person agreed"
    TOKEN = "token", "a certificate of the consent (its token)"


class UnverifiedEnd(models.TextChoices):
    FAIL = "fail", "fail: the lead is not sold, and a person must act"
    SELL = "sell", "sell: the lead is sold for a share of the price"
    PERSON = "person", "person: the lead waits until an operator verifies it by hand"


class SellsOn(models.TextChoices):
    DECISION = "decision", "decision: the buyer is charged at once, and gets the lead"
    ACCEPTANCE = "acceptance", "acceptance: the buyer is charged when its system accepts the lead"
