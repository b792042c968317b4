"""The state of the page "Health" in one line, for the home page of the admin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from leadswitch.levels.health_page.current_state import read_waiting_leads
from leadswitch.levels.health_page.links import Links
from leadswitch.levels.health_page.page import read_cards
from routing.dispatch.state import read_summary
from tracing.wording import count


@dataclass(frozen=True, slots=True)
class HealthCard:
    """`missed`: titles of objectives. `due_retries`: a number, with a plus sign if there may be more."""

    objectives: int
    missed: Sequence[str]
    due_retries: str
    due_retries_url: str
    is_product_paused: bool
    paused_workspaces: int

    @property
    def objectives_display(self) -> str:
        if not self.missed:
            return f"All {self.objectives} objectives are met."
        return f"{count(len(self.missed), 'objective')} missed: {', '.join(self.missed)}."

    @property
    def pauses_display(self) -> str:
        return describe_pauses(is_product_paused=self.is_product_paused, workspaces=self.paused_workspaces)


def describe_pauses(*, is_product_paused: bool, workspaces: int) -> str:
    paused = f"{count(workspaces, 'workspace')} {'is' if workspaces == 1 else 'are'} paused."
    product = "The product is paused." if is_product_paused else ""
    return " ".join(filter(None, (product, paused if workspaces else ""))) or "Nothing is paused."


def read_health_card(ids: Sequence[int] | None, *, at: datetime) -> HealthCard:
    """Five statements, over hours and not attempts. `ids`: the workspaces that are counted; None: all."""
    links, waiting, summary = Links(), read_waiting_leads(ids), read_summary(ids)
    cards = read_cards(waiting, ids, at=at, links=links)
    return HealthCard(
        objectives=len(cards),
        missed=[card.title for card in cards if not card.is_met],
        due_retries=waiting.due_retries.display,
        due_retries_url=links.due_retries(),
        is_product_paused=summary.is_paused,
        paused_workspaces=summary.paused_count,
    )
