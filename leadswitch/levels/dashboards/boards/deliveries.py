"""Deliveries: whether sold leads reach the buyers' systems, how these answer, and what waits for a person."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.board import Board, Panel, Query, Row, Threshold, Unit, View
from leadswitch.levels.dashboards.boards.payments import PAYMENTS
from leadswitch.levels.dashboards.boards.queries import (
    gauge,
    gauge_by,
    increase_by,
    is_none_of,
    percentile_by,
    percentiles,
    rate_by,
)
from leadswitch.levels.dashboards.expressions import Rate, Series, Share
from leadswitch.levels.delivery_limits import (
    FAILED_MESSAGES,
    FAILING_MINUTES,
    HALTED_SECONDS,
    HOLD_HOURS,
    RETURN_DAYS,
    UNKNOWN_HOURS,
)

TRIES: Final = "leadswitch_delivery_tries_total"
SECONDS: Final = "leadswitch_delivery_seconds"
HOUR: Final = 3_600

STATE: Final = Row(
    "State",
    (
        Panel(
            title="Deliverers",
            description="Deliverers with a recent heartbeat. Normal: as many as you run.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_deliverers", "deliverers"),),
            thresholds=(Threshold(0, is_error=True, is_below=True),),
            width=4,
            height=5,
        ),
        Panel(
            title="Endpoints",
            description="Endpoints of buyers that are on.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_endpoints", "on"),),
            width=4,
            height=5,
        ),
        Panel(
            title="Failing endpoints",
            description=f"Endpoints without a success for {FAILING_MINUTES} minutes, while {FAILED_MESSAGES} messages"
            " or more failed. Normal: 0.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_endpoints_failing", "failing"),),
            thresholds=(Threshold(1),),
            width=4,
            height=5,
        ),
        Panel(
            title="Unknown deliveries",
            description="Messages that the buyer may have, or not: a person must decide. Normal: 0.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_deliveries_unknown", "unknown"),),
            thresholds=(Threshold(1),),
            width=4,
            height=5,
        ),
        Panel(
            title="Open holds",
            description="Sales whose price is held until the buyer's system answers.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_holds_open", "open"),),
            width=4,
            height=5,
        ),
        Panel(
            title="Open return requests",
            description="Return requests that wait for review.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_return_requests_open", "open"),),
            width=4,
            height=5,
        ),
    ),
)
MOVING: Final = Row(
    "Messages",
    (
        Panel(
            title="Due messages",
            description="Messages that are due and not being sent. Normal: near 0; more while a buyer is slow.",
            unit=Unit.COUNT,
            queries=(gauge("leadswitch_deliveries_due", "due"),),
        ),
        Panel(
            title="Oldest due message",
            description="How long the message that waits longest has been due, and the time since the last try."
            " Normal: under 2 s due while leads are sold.",
            unit=Unit.SECONDS,
            queries=(
                gauge("leadswitch_delivery_oldest_due_age_seconds", "oldest due"),
                gauge("leadswitch_delivery_last_try_age_seconds", "last try"),
            ),
            thresholds=(Threshold(HALTED_SECONDS, is_error=True),),
        ),
        Panel(
            title="Tries by outcome",
            description="Requests and mails: accepted, rejected, unknown, not_sent, worker_lost. Normal: mostly"
            " accepted.",
            unit=Unit.PER_SECOND,
            queries=(rate_by("outcome", TRIES),),
        ),
        Panel(
            title="Tries by method",
            description="Requests and mails by the method of the endpoint.",
            unit=Unit.PER_SECOND,
            queries=(rate_by("method", TRIES),),
        ),
        Panel(
            title="Share of tries without an answer",
            description="Tries that ended unknown, not sent or with a lost worker, of all tries. Normal: under 2%.",
            unit=Unit.SHARE,
            queries=(
                Query(
                    Share(
                        Rate(Series(TRIES, (is_none_of("outcome", "accepted", "rejected"),))),
                        Rate(Series(TRIES)),
                    ),
                    "without an answer",
                ),
            ),
            thresholds=(Threshold(0.1),),
        ),
        Panel(
            title="Ended deliveries",
            description="Messages that need no further try: accepted, rejected, or unknown, which wait for a person.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("state", "leadswitch_deliveries_ended_total"),),
        ),
        Panel(
            title="Time of a request",
            description="From the start of a request to the end of the answer. Normal: p95 under 2 s.",
            unit=Unit.SECONDS,
            queries=percentiles(SECONDS),
        ),
        Panel(
            title="Time of a request by method",
            description="p95 by the method of the endpoint.",
            unit=Unit.SECONDS,
            queries=(percentile_by("method", SECONDS),),
        ),
    ),
)
EVENTS: Final = Row(
    "Events for subscribers",
    (
        Panel(
            title="Lost events",
            description="Messages of events that ended in the last hour without an acceptance, by kind of event: the"
            " subscriber rejected them, or every try failed. Normal: 0.",
            unit=Unit.COUNT,
            queries=(gauge_by("kind", "leadswitch_events_lost"),),
            thresholds=(Threshold(1),),
        ),
        Panel(
            title="Events that wait",
            description="Messages of events that wait for a try at subscriptions that are on, by kind of event."
            " Normal: near 0.",
            unit=Unit.COUNT,
            queries=(gauge_by("kind", "leadswitch_events_waiting"),),
        ),
        Panel(
            title="Oldest event that waits",
            description="How long ago the oldest of them happened, by kind of event. Normal: seconds; more while a"
            " subscriber does not accept.",
            unit=Unit.SECONDS,
            queries=(gauge_by("kind", "leadswitch_event_oldest_waiting_age_seconds"),),
            thresholds=(Threshold(HOUR),),
        ),
    ),
)
PEOPLE: Final = Row(
    "Waiting for a person",
    (
        Panel(
            title="Oldest unknown delivery",
            description=f"Since its last try. Normal: decided within {UNKNOWN_HOURS} hours.",
            unit=Unit.SECONDS,
            queries=(gauge("leadswitch_delivery_oldest_unknown_age_seconds", "oldest"),),
            thresholds=(Threshold(UNKNOWN_HOURS * HOUR),),
        ),
        Panel(
            title="Oldest open hold",
            description="How long a buyer's money has been held. Normal: seconds; up to 35 minutes while messages are"
            " tried again.",
            unit=Unit.SECONDS,
            queries=(gauge("leadswitch_hold_oldest_age_seconds", "oldest"),),
            thresholds=(Threshold(HOLD_HOURS * HOUR),),
        ),
        Panel(
            title="Oldest return request",
            description=f"How long a return request has waited. Normal: reviewed within {RETURN_DAYS} days.",
            unit=Unit.SECONDS,
            queries=(gauge("leadswitch_return_request_oldest_age_seconds", "oldest"),),
            thresholds=(Threshold(RETURN_DAYS * 24 * HOUR),),
        ),
    ),
)
DELIVERIES: Final = Board(
    Dashboard.DELIVERIES,
    "Deliveries",
    "Whether sold leads reach the buyers' systems, how these answer, and what waits for a person.",
    (STATE, MOVING, EVENTS, PAYMENTS, PEOPLE),
)
