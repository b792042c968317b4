"""Variables of heartbeats: how a silent process is found, and how another one takes over its work."""

from typing import Final

from leadswitch.env.parse import IntegerRange
from leadswitch.env.variable import Section, Variable
from routing.dispatch.heartbeat import LONGEST_TURN_SECONDS
from routing.tuning import WORKER_HEARTBEAT_SECONDS, Takeover

# Of a limit after which a process counts as dead. Two heartbeats in a row may be lost.
HEARTBEATS_PER_LIMIT: Final = 3


class DispatchTakeover(Section):
    TITLE = "Heartbeats, and how one process takes over from another (docs/dispatch.md)"

    alive_seconds = Variable(
        "LEADSWITCH_ALIVE_SECONDS",
        IntegerRange(HEARTBEATS_PER_LIMIT * WORKER_HEARTBEAT_SECONDS, 300),
        default=15,
        help=(
            "A leading dispatcher or a worker without a heartbeat for this long counts as dead. The pick-up then starts"
            " the leads of every workspace, and the worker's ready queues count as not consumed."
        ),
    )
    leader_heartbeat_seconds = Variable(
        "LEADSWITCH_LEADER_HEARTBEAT_SECONDS",
        IntegerRange(1, 100),
        default=5,
        help=(
            "How often the leading dispatcher writes its heartbeat to PostgreSQL. At most a third of"
            " LEADSWITCH_ALIVE_SECONDS and half of LEADSWITCH_FALLBACK_AFTER_SECONDS."
        ),
    )
    process_heartbeat_seconds = Variable(
        "LEADSWITCH_PROCESS_HEARTBEAT_SECONDS",
        IntegerRange(1, LONGEST_TURN_SECONDS // HEARTBEATS_PER_LIMIT),
        default=1,
        help=(
            "How often the dispatcher and Celery beat touch the file that `python -m"
            " leadswitch.alive` reads. It reports a process whose file is older than"
            f" {LONGEST_TURN_SECONDS} seconds."
        ),
    )
    standby_ms = Variable(
        "LEADSWITCH_STANDBY_MS",
        IntegerRange(50, 10_000),
        default=500,
        help=(
            "How long a standby dispatcher waits before it tries to lead again. At most LEADSWITCH_LEADER_LEASE_MS."
        ),
    )
    dispatcher_pause_ms = Variable(
        "LEADSWITCH_DISPATCHER_PAUSE_MS",
        IntegerRange(100, 10_000),
        default=1_000,
        help="How long a dispatcher waits after a failure of PostgreSQL before it tries again.",
    )
    fallback_after_seconds = Variable(
        "LEADSWITCH_FALLBACK_AFTER_SECONDS",
        IntegerRange(2, 300),
        default=12,
        help=(
            "A dispatcher that cannot reach Redis stands by while another one has led through Redis"
            " within this time. Then it runs due leads from PostgreSQL. At most"
            " LEADSWITCH_ALIVE_SECONDS."
        ),
    )
    fallback_round_seconds = Variable(
        "LEADSWITCH_FALLBACK_ROUND_SECONDS",
        IntegerRange(1, 100),
        default=5,
        help=(
            "While Redis does not respond, how long a dispatcher runs due leads from PostgreSQL before it tries Redis"
            " again. It sends a heartbeat in each round: at most a third of LEADSWITCH_ALIVE_SECONDS."
        ),
    )
    fallback_poll_ms = Variable(
        "LEADSWITCH_FALLBACK_POLL_MS",
        IntegerRange(10, 1_000),
        default=200,
        help="In such a round, how often PostgreSQL is searched while nothing is due.",
    )

    @property
    def takeover(self) -> Takeover:
        return Takeover(
            alive_seconds=self.alive_seconds,
            leader_heartbeat_seconds=self.leader_heartbeat_seconds,
            process_heartbeat_seconds=self.process_heartbeat_seconds,
            standby_seconds=self.standby_ms / 1000,
            pause_after_failure_seconds=self.dispatcher_pause_ms / 1000,
            fallback_after_seconds=self.fallback_after_seconds,
            fallback_round_seconds=self.fallback_round_seconds,
            fallback_poll_seconds=self.fallback_poll_ms / 1000,
        )
