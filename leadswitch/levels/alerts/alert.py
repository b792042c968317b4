"""One alert, and what its rule says."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

PREFIX: Final = "LeadSwitch"
SEVERAL: Final = ""
COUNT: Final = '{{ $value | printf "%.0f" }}'


class Severity(StrEnum):
    PAGE = "page"  # wakes a person
    WARNING = "warning"  # a person reads it in working hours
    DIGEST = "digest"  # the daily summary
    NONE = "none"  # always fires: its absence is the alarm


class Job(StrEnum):
    """Jobs of Prometheus, one for each kind of process."""

    WEB = "leadswitch-web"
    WORKER = "leadswitch-worker"
    DISPATCHER = "leadswitch-dispatcher"
    DELIVERER = "leadswitch-deliverer"
    STREAMS = "leadswitch-streams"
    DIALER = "leadswitch-dialer"
    BEAT = "leadswitch-beat"
    EXPORTER = "leadswitch-exporter"


class Dashboard(StrEnum):
    """Uids of dashboards."""

    ROUTING = "leadswitch-routing"
    PERFORMANCE = "leadswitch-performance"
    RETRIES = "leadswitch-retries"
    DISPATCH = "leadswitch-dispatch"
    DELIVERIES = "leadswitch-deliveries"
    OFFERS = "leadswitch-offers"
    CALLS = "leadswitch-calls"
    DATABASE = "leadswitch-database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A row. A page silences warnings of its own `kind`.

    `summary` is a template of Prometheus with the measured value, and `normal` is what a healthy product shows.
    `reads`: the job without which the alert is blind; SEVERAL if other jobs still show the problem. Workers,
    dispatchers and the web server all decide leads, so alerts on attempts read several. `holds_for` is the field `for`
    of the rule. `shown` names the labels that the dashboard takes as variables.
    """

    name: str
    severity: Severity
    kind: str
    expression: str
    summary: str
    normal: str
    dashboard: Dashboard
    reads: Job | str = SEVERAL
    holds_for: str = ""
    keep_firing_for: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()

    @property
    def runbook(self) -> str:
        """The name of its page in docs/runbooks, without .md: dispatch-halted for LeadSwitchDispatchHalted."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", self.name.removeprefix(PREFIX)).lower()

    @property
    def all_labels(self) -> dict[str, str]:
        reads = {"reads": str(self.reads)} if self.reads else {}
        return {"severity": str(self.severity), "kind": self.kind, **reads, **self.labels}
