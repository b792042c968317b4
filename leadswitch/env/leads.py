"""Variables of processes, of how leads are found and run, and of how the dispatch is watched."""

from collections.abc import Mapping
from typing import Final

from leadswitch.env.parse import IntegerRange, one_of, parse_bool, parse_hours, parse_prefix
from leadswitch.env.variable import Section, Variable

ROLES: Final = ("web", "worker", "exporter", "command")
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
DISPATCH_MODES: Final = ("poll", "shadow", "event")


class Processes(Section):
    TITLE = "Processes"

    role = Variable(
        "LEADSWITCH_ROLE",
        one_of(*ROLES),
        default="command",
        help=(
            "web, worker, exporter or command: how long a statement may run (15 s, 15 s, 2 s, 10 min). The entry points"
            " set it."
        ),
    )
    log_level = Variable(
        "LEADSWITCH_LOG_LEVEL", one_of(*LOG_LEVELS), default="INFO", help="DEBUG, INFO, WARNING or ERROR."
    )
    redis_prefix = Variable(
        "LEADSWITCH_REDIS_PREFIX",
        parse_prefix,
        default="ls",
        help=(
            "Every Redis key begins with this prefix, and the Celery queue is named after it. Two installations can"
            " share a Redis if their prefixes differ."
        ),
    )


class Leads(Section):
    TITLE = "How leads are found and run (docs/dispatch.md)"

    dispatch_mode = Variable(
        "LEADSWITCH_DISPATCH_MODE",
        one_of(*DISPATCH_MODES),
        default="event",
        help="How due leads of a new workspace are found: poll, shadow or event (docs/dispatch-rollout.md).",
    )
    pickup_period_seconds = Variable(
        "LEADSWITCH_PICKUP_PERIOD_SECONDS",
        IntegerRange(1, 300),
        default=5,
        help=(
            "How often the pick-up searches the database for due leads. In a polled workspace, a lost wake-up delays a"
            " lead by at most this long."
        ),
    )
    is_wake_enabled = Variable(
        "LEADSWITCH_WAKE_ENABLED",
        parse_bool,
        default=True,
        help="Send the workers a wake-up for every new lead. Without it leads start at the next pick-up.",
    )
    wake_max_age_hours = Variable(
        "LEADSWITCH_WAKE_MAX_AGE_HOURS",
        parse_hours,
        default=24,
        help=(
            "Unsold leads are tried again when the cause is fixed (a cap raised, a wallet topped up, a buyer"
            " enrolled) if they arrived at most this many hours ago. 0: never."
        ),
    )
    transient_max_attempts = Variable(
        "LEADSWITCH_TRANSIENT_MAX_ATTEMPTS",
        IntegerRange(1, 1_000),
        default=20,
        help=(
            "How many times a lead is retried after a temporary failure, such as a lock conflict, before"
            " it is parked."
        ),
    )
    claim_max_seconds = Variable(
        "LEADSWITCH_CLAIM_MAX_SECONDS",
        IntegerRange(1, 86_400),
        default=900,
        old_names=("LEADSWITCH_LOCK_MAX_SECONDS",),
        help=(
            "How long work outside the database, such as a phone call, may claim a lead. Set it longer than the longest"
            " such work: after it the lead is released and tried again."
        ),
    )
    lease_seconds = Variable(
        "LEADSWITCH_LEASE_SECONDS",
        IntegerRange(1, 3_600),
        default=30,
        help=(
            "How long a worker holds the lease of a lead before the lease counts as expired. Set it"
            " longer than most attempts take."
        ),
    )
    max_lost_leases = Variable(
        "LEADSWITCH_MAX_LOST_LEASES",
        IntegerRange(1, 1_000),
        default=5,
        help="After how many lost workers in a row a lead is parked as failed (worker_lost).",
    )
    ready_shards = Variable(
        "LEADSWITCH_READY_SHARDS",
        IntegerRange(1, 64),
        default=4,
        help=(
            "How many ready queues due leads are spread over, by workspace. Let the queues run empty before you lower"
            " it."
        ),
    )
    ready_limit = Variable(
        "LEADSWITCH_READY_LIMIT",
        IntegerRange(1, 10_000_000),
        default=250,
        help="How many leads may wait in each ready queue. The rest wait in the schedule, where workspaces take turns.",
    )


class Watch(Section):
    TITLE = "How the dispatch is monitored (docs/dispatch.md)"

    leader_check_seconds = Variable(
        "LEADSWITCH_LEADER_CHECK_SECONDS",
        IntegerRange(1, 60),
        default=1,
        old_names=("LEADSWITCH_LOOK_SECONDS",),
        help="How often the leading dispatcher searches PostgreSQL for due leads that the schedule in Redis lacks.",
    )
    canary_seconds = Variable(
        "LEADSWITCH_CANARY_SECONDS",
        IntegerRange(1, 300),
        default=5,
        help="How often the leading dispatcher sends a canary along the path of leads.",
    )
    canary_late_seconds = Variable(
        "LEADSWITCH_CANARY_LATE_SECONDS",
        IntegerRange(1, 600),
        default=15,
        help=(
            "A canary that has not returned after this long is late: some part between schedule and workers does not"
            " work."
        ),
    )
    overdue_seconds = Variable(
        "LEADSWITCH_OVERDUE_SECONDS",
        IntegerRange(1, 3_600),
        default=5,
        help="`dispatch status` and the page Dispatch report late leads if one has been due for longer than this.",
    )
    overdue_leads = Variable(
        "LEADSWITCH_OVERDUE_LEADS",
        IntegerRange(1, 10_000_000),
        default=1_000,
        help="They also report late leads if more leads than this are due.",
    )
    stalled_seconds = Variable(
        "LEADSWITCH_STALLED_SECONDS",
        IntegerRange(1, 3_600),
        default=10,
        old_names=("LEADSWITCH_START_LATE_SECONDS",),
        help="They report a stall if no lead was started for longer than this although some are due.",
    )

    @property
    def watch(self) -> Mapping[str, int]:
        return {
            "leader_check": self.leader_check_seconds,
            "canary": self.canary_seconds,
            "canary_late": self.canary_late_seconds,
            "overdue": self.overdue_seconds,
            "overdue_leads": self.overdue_leads,
            "stalled": self.stalled_seconds,
        }
