"""A recorded decision from the view of one enrollment, and changed copies of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from distribution.engine import CompiledCampaign, Decision, DecisionFacts, LiveFacts, compile_campaign, decide

Definition = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """`definition` and `facts` are never changed: every change copies what it touches."""

    definition: Definition
    facts: DecisionFacts
    enrollment_id: int

    @cached_property
    def campaign(self) -> CompiledCampaign:
        return compile_campaign(self.definition)

    @cached_property
    def decision(self) -> Decision:
        return decide(self.campaign, self.facts)

    @cached_property
    def enrollment(self) -> Definition:
        return self._row("enrollments", self.enrollment_id)

    @cached_property
    def buyer(self) -> Definition:
        return self._row("buyers", self.enrollment["buyer_id"])

    @property
    def head(self) -> Definition:
        head: Definition = self.definition["campaign"]
        return head

    @property
    def live(self) -> LiveFacts:
        return self.facts.live[self.enrollment_id]

    @property
    def free_slots(self) -> int:
        return max(0, self.campaign.max_buyers - self.facts.lead.sold_count)

    def change_campaign(self, **changes: Any) -> "World":
        return self._define(campaign={**self.head, **changes})

    def change_tier(self, **changes: Any) -> "World":
        return self._change_row("tiers", self.enrollment["tier_id"], changes)

    def change_buyer(self, **changes: Any) -> "World":
        return self._change_row("buyers", self.enrollment["buyer_id"], changes)

    def change_enrollment(self, **changes: Any) -> "World":
        return self._change_row("enrollments", self.enrollment_id, changes)

    def change_live(self, **changes: Any) -> "World":
        live = {**self.facts.live, self.enrollment_id: replace(self.live, **changes)}
        return self._with_facts(replace(self.facts, live=live))

    def change_price(self, cents: int) -> "World":
        """What the buyer was shown or bid for this lead, if anything, or its bid in the campaign."""
        if self.live.bid_cents is None:
            return self.change_enrollment(bid_cents=cents)
        return self.change_live(bid_cents=cents)

    def unlock(self) -> "World":
        return self._with_facts(replace(self.facts, locked=self.facts.locked - {self.enrollment_id}))

    def forget_promise(self) -> "World":
        return self._with_facts(replace(self.facts, promise=None))

    def _row(self, table: str, row_id: int) -> Definition:
        rows: list[Definition] = self.definition[table]
        return next(row for row in rows if row["id"] == row_id)

    def _change_row(self, table: str, row_id: int, changes: Mapping[str, Any]) -> "World":
        rows = self.definition[table]
        return self._define(**{table: [{**row, **changes} if row["id"] == row_id else row for row in rows]})

    def _define(self, **parts: Any) -> "World":
        return World({**self.definition, **parts}, self.facts, self.enrollment_id)

    def _with_facts(self, facts: DecisionFacts) -> "World":
        changed = World(self.definition, facts, self.enrollment_id)
        # Facts do not affect the configuration, so the compiled campaign is reused.
        if "campaign" in self.__dict__:
            changed.__dict__["campaign"] = self.campaign
        return changed
