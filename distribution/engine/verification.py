"""The gate before the pool: must the person be verified first? And what a lead costs whose verification failed."""

from distribution.engine.campaign import CompiledCampaign
from distribution.engine.types import DecisionFacts, LeadFacts

# The calls ended without a verification, and the campaign sells such leads.
UNVERIFIED = "unverified"


def passes_verification(campaign: CompiledCampaign, facts: DecisionFacts) -> bool:
    """A claim of an offer and a bid follow an attempt that passed the gate."""
    terms = campaign.verification
    if terms.needed == "none" or facts.phase in ("claim", "bids") or facts.lead.verification:
        return True
    return terms.needed == "unless_consent" and terms.consent_kind in facts.lead.consents


def price_percent(campaign: CompiledCampaign, lead: LeadFacts) -> int:
    """Of the price of a verified lead, what this one costs."""
    return campaign.verification.unverified_percent if lead.verification == UNVERIFIED else 100
