"""200 claims of one exclusive lead at once, for many rounds: one winner each time."""

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from distribution.verify import run_verification
from tests.chaos.findings import Findings
from tests.chaos.stage import Watch
from tests.support.claimants import claimants
from tests.support.claiming import AT_ONCE, crowded_campaign, play_round

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(slots=True)
class Crowds:
    """`longest_ms`: of each round, until its last claim was answered."""

    rounds: int
    findings: Findings = field(default_factory=Findings)
    longest_ms: list[int] = field(default_factory=list)
    seconds: float = 0.0


def run(rounds: int, *, console: "Console") -> Crowds:
    """Needs an empty, migrated database."""
    result, watch = Crowds(rounds), Watch()
    campaign = crowded_campaign()
    with claimants(AT_ONCE) as crowd:
        for number in range(rounds):
            played = play_round(campaign, crowd, seed=number)
            result.longest_ms.append(played.longest_ms)
            for each in played.broken:
                result.findings.add(each, 1, f"round {number}")
    for invariant, found in run_verification().results:
        result.findings.add(f"verify {invariant.number}, {invariant.name}", found.breaches)
    result.seconds = watch.seconds
    show(result, console=console)
    return result


def show(result: Crowds, *, console: "Console") -> None:
    console.print(
        f"{AT_ONCE} claims at once, {result.rounds} times: the last one was answered after"
        f" {median(result.longest_ms):.0f} ms (most {max(result.longest_ms)} ms); {result.seconds:.0f} s in all",
        highlight=False,
    )
    for finding in result.findings:
        console.print(f"BROKEN: {finding}", style="bold red")
    if not result.findings:
        console.print("chaos: each time one buyer got the lead and was charged once")


def as_json(result: Crowds) -> dict[str, Any]:
    findings = [
        {"check": each.check, "count": each.count, "example": each.example} for each in result.findings
    ]
    return {"part": "offers", "rounds": result.rounds, "seconds": result.seconds, "findings": findings}
