"""The parts of the suite that kill processes at exact places: what each promises, and how its run is shown.

Imports no settings: they are made after the options are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from tests.chaos.calls import protections as calls
from tests.chaos.offers import protections as offers
from tests.chaos.payments import protections as payments
from tests.chaos.protections import PartProtection

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Part:
    """`kills`: what is killed. `promise`: what holds if nothing is found. `alone`: protections with their own run."""

    name: str
    kills: str
    promise: str
    protections: Mapping[str, PartProtection]
    alone: Sequence[str] = ()
    # In a moment each, without a lease of a lead.
    kills_per_worker: float = 2

    def run(
        self, *, kills: int, seed: int, without: tuple[str, ...], directory: "Path", console: "Console"
    ) -> Any:
        """Needs an empty, migrated database. Shows the run, and returns its result."""
        module = import_module(f"tests.chaos.{self.name}.run")
        console.print(f"{self.name}: {kills:,} killed {self.kills}", highlight=False)
        result = module.run(
            module.Order(kills, seed, without=without),
            directory=directory,
            on_progress=lambda text: console.print(text, highlight=False),
        )
        self.show(result, console=console)
        return result

    def show(self, result: Any, *, console: "Console") -> None:
        """The closing tables. Every figure was counted in the run."""
        from tests.chaos.report import count_table

        console.print(count_table("Counted in the tables", result.totals))
        console.print(count_table("Faults, and what followed", result.seen))
        console.print(f"{result.seconds:.0f} s in all, seed {result.order.seed}", highlight=False)
        for finding in result.findings:
            console.print(f"BROKEN: {finding}", style="bold red")
        if not result.findings:
            console.print(f"chaos: {self.promise}")

    def as_json(self, result: Any) -> dict[str, Any]:
        return {
            "part": self.name,
            "order": asdict(result.order),
            "seconds": result.seconds,
            "totals": dict(result.totals),
            "seen": dict(result.seen),
            "findings": [asdict(each) for each in result.findings],
        }


DELIVERIES: Final = Part(
    "deliveries",
    "deliverers",
    "no exclusive lead was accepted by two buyers, none was charged twice, and every message has an end",
    protections={},
)
OFFERS: Final = Part(
    "offers",
    "processes",
    "every offer has one end, no lead was sold more often than it has places, and every claim is one charge",
    protections=offers.PROTECTIONS,
    alone=offers.ALONE,
)
PAYMENTS: Final = Part(
    "payments",
    "processes",
    "no card was charged twice, and all credits are what the provider was paid, less what went back",
    protections=payments.PROTECTIONS,
    alone=payments.ALONE,
)
CALLS: Final = Part(
    "calls",
    "processes",
    "no number had more calls than lines, nobody was called twice at once or outside the hours, and every line is free",
    protections=calls.PROTECTIONS,
    alone=calls.ALONE,
    kills_per_worker=0.75,
)
PARTS: Final[Mapping[str, Part]] = {each.name: each for each in (DELIVERIES, OFFERS, PAYMENTS, CALLS)}
