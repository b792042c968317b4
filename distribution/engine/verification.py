"""The gate before the pool: must the person be verified first? And what a lead costs whose verification failed."""

from distribution.engine.campaign import CompiledCampaign
from distribution.engine.types import DecisionFacts, LeadFacts, Verdict

# The calls ended without a verification. Only campaigns that sell such leads take it.
UNVERIFIED = "unverified"
# The person does not want it: no campaign that asks sells it.
DECLINED = "declined"
GATED = Verdict("verification_required", "deferred")
NOT_VERIFIED = Verdict("not_verified", "permanent")
REFUSED = Verdict("verification_declined", "permanent")


def find_gate(campaign: CompiledCampaign, facts: DecisionFacts) -> Verdict | None:
    """Why the lead is not sold before its person is verified, or at all. None: it may be sold.

    A claim of an offer and a bid follow an attempt that passed the gate. The person may have said no since.
    """
    terms, how = campaign.verification, facts.lead.verification
    if terms.needed == "none":
        return None
    if how == DECLINED:
        return REFUSED
    if facts.phase in ("claim", "bids"):
        return None
    if terms.needed == "unless_consent" and terms.consent_kind in facts.lead.consents:
        return None
    if how == UNVERIFIED:
        return None if terms.sells_unverified else NOT_VERIFIED
    return None if how else GATED


def find_refusal(campaign: CompiledCampaign, facts: DecisionFacts) -> Verdict | None:
    """The gate again, for a buyer that a person chose: only what the person of the lead refused is not overridden."""
    return REFUSED if find_gate(campaign, facts) is REFUSED else None


def list_overridden(campaign: CompiledCampaign, facts: DecisionFacts) -> tuple[str, ...]:
    """The gate of the lead, if a person sells the lead in spite of it."""
    gate = None if facts.chosen is None else find_gate(campaign, facts)
    return () if gate is None else (gate.reason,)


def price_percent(campaign: CompiledCampaign, lead: LeadFacts) -> int:
    """Of the price of a verified lead, what this one costs."""
    return campaign.verification.unverified_percent if lead.verification == UNVERIFIED else 100
