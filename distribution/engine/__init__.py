"""The pure decision: no Django, Redis, clock or randomness; `at` and `seed` come in as arguments."""

from distribution.engine.campaign import CompiledCampaign, CompiledEnrollment
from distribution.engine.compile import compile_campaign
from distribution.engine.decide import decide
from distribution.engine.facts import facts_from_json, facts_to_json
from distribution.engine.promise import earned_cents, price_to_keep
from distribution.engine.ranking import one_turn
from distribution.engine.reading import DefinitionError
from distribution.engine.resolve import resolve_campaign
from distribution.engine.types import (
    CampaignHead,
    Decision,
    DecisionFacts,
    FactsError,
    LeadFacts,
    LiveFacts,
    NotRepeatable,
    Offered,
    OtherEngine,
    Phase,
    Promise,
    Selection,
    Skip,
    Terms,
    TierPrice,
    Usage,
    Verdict,
)
from distribution.engine.usage import consume, give_back

__all__ = [
    "CampaignHead",
    "CompiledCampaign",
    "CompiledEnrollment",
    "Decision",
    "DecisionFacts",
    "DefinitionError",
    "FactsError",
    "LeadFacts",
    "LiveFacts",
    "NotRepeatable",
    "Offered",
    "OtherEngine",
    "Phase",
    "Promise",
    "Selection",
    "Skip",
    "Terms",
    "TierPrice",
    "Usage",
    "Verdict",
    "compile_campaign",
    "consume",
    "decide",
    "earned_cents",
    "facts_from_json",
    "facts_to_json",
    "give_back",
    "one_turn",
    "price_to_keep",
    "resolve_campaign",
]
