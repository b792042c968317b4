"""The faults of the buyers' systems and of the database. Each strikes while messages are on their way.

To add one: a function here, a line in FAULTS, a row in docs/chaos.md.
"""

from collections.abc import Callable, Mapping
from typing import Final

from django.db import connection

from tests.chaos.deliveries.stage import Stage
from tests.support.waiting import fetch_value

FEW: Final = 3
TIMES: Final = 3
NOT_SENT: Final = ("not_sent",)
IN_DOUBT: Final = ("unknown",)
ENDED: Final = ("accepted", "rejected")
HALF_OVER: Final = """
SELECT EXISTS (
    SELECT FROM distribution_deliverytry WHERE outcome = '' AND started_at < clock_timestamp() - interval '0.5 seconds'
)
"""
CUT: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'deliverer-%'
"""


def take_down(stage: Stage) -> None:
    """Its port refuses, until several messages could not be sent."""
    stage.system.kill()
    stage.wait_for_tries(FEW, outcomes=NOT_SENT)
    stage.system.start_again()
    stage.wait_for_tries(FEW, outcomes=ENDED)


def hang(stage: Stage) -> None:
    """It takes connections and does not answer, until several messages are in doubt."""
    with stage.system.hanging():
        stage.wait_for_tries(FEW, outcomes=IN_DOUBT)
    stage.wait_for_tries(FEW, outcomes=ENDED)


def slow_down(stage: Stage) -> None:
    """It answers when half of a request's time is over, several times."""
    for _ in range(TIMES):
        stage.wait_for_requests(1)
        with stage.system.hanging():
            stage.wait(lambda: stage.supply() or fetch_value(HALF_OVER), what="half of the time of a request")
    stage.wait_for_tries(FEW, outcomes=ENDED)


def flap(stage: Stage) -> None:
    """Down and up again, several times in the middle of its answers."""
    for _ in range(TIMES):
        stage.wait_for_requests(1)
        stage.system.kill()
        stage.wait_for_tries(1, outcomes=NOT_SENT)
        stage.system.start_again()
    stage.wait_for_tries(FEW, outcomes=ENDED)


def cut_postgres(stage: Stage) -> None:
    """All sessions of the deliverers are terminated, with results that are not written yet."""
    with connection.cursor() as cursor:
        cursor.execute(CUT)
    stage.wait_for_tries(FEW, outcomes=ENDED)


FAULTS: Final[Mapping[str, Callable[[Stage], None]]] = {
    "buyers-down": take_down,
    "buyers-hang": hang,
    "buyers-slow": slow_down,
    "buyers-flap": flap,
    "postgres-cut": cut_postgres,
}
