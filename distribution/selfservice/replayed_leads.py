"""What a replay reads of the leads of a batch, at once when the first is needed. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from distribution.engine import DecisionFacts
from distribution.models import OfferBuyer, OfferKind
from routing.intake.condition_fields import condition_fields
from routing.models import Lead
from routing.values.contact import hide_contact, read_contact


class ReplayedLeads:
    def __init__(self, lead_ids: Sequence[int]) -> None:
        self._lead_ids = lead_ids
        self._found: Mapping[int, Lead] | None = None
        self._asked: dict[int, Mapping[int, bool]] = {}

    def complete(self, facts: DecisionFacts, lead_id: int, *, fields: frozenset[str]) -> DecisionFacts:
        """Recorded facts have only the fields that were read then. `fields` are read from the lead, as it is now.

        Raises LookupError.
        """
        if not fields:
            return facts
        lead = self._find(lead_id)
        contact = read_contact(lead)
        more = {
            name: hide_contact(name, value, contact)
            for name, value in condition_fields(lead, source=lead.source.name).items()
            if name in fields
        }
        return replace(facts, lead=replace(facts.lead, fields={**facts.lead.fields, **more}))

    def was_asked(self, lead_id: int, *, enrollment_id: int) -> bool | None:
        """Whether the buyer's system was asked in the latest auction of the lead. None: it is not stored."""
        if enrollment_id not in self._asked:
            places = OfferBuyer.objects.filter(
                offer__lead_id__in=self._lead_ids, offer__kind=OfferKind.AUCTION, enrollment_id=enrollment_id
            ).order_by("pk")
            asked = places.values_list("offer__lead_id", "asked_at")
            self._asked[enrollment_id] = {each: asked_at is not None for each, asked_at in asked}
        return self._asked[enrollment_id].get(lead_id)

    def _find(self, lead_id: int) -> Lead:
        if self._found is None:
            self._found = Lead.objects.select_related("source").in_bulk(self._lead_ids)
        return self._found[lead_id]
