"""A program: a day of the product in four parts, each in a process of its kind. Tests run it through a pooler.

Several threads at a time, and each statement often enough to be prepared.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import django

THREADS: Final = 4
LEADS: Final = 24
STATEMENTS: Final = 10  # psycopg prepares a statement that it has sent five times


def build() -> dict[str, Any]:
    from django.core.management import call_command

    from tests.support.factories import CampaignFactory, SourceFactory, enroll, issue_key

    call_command("migrate", verbosity=0)
    source = SourceFactory()
    for number in range(THREADS):
        campaign = CampaignFactory(workspace=source.workspace, vertical=f"v{number}", max_buyers=2)
        enroll(campaign, count=3, credits_cents=1_000_000)
    return {"key": issue_key(source)}


def intake(key: str, run: str) -> dict[str, Any]:
    from django.test import Client

    def post(number: int) -> int:
        lead = {"email": f"{run}{number}@example.com", "zip": "30312", "vertical": f"v{number % THREADS}"}
        headers = {"authorization": f"Api-Key {key}", "idempotency-key": f"{run} {number}"}
        answer = Client(raise_request_exception=False).post(
            "/api/v1/leads/", lead, content_type="application/json", headers=headers
        )
        return answer.status_code

    return {"statuses": in_threads(post, range(LEADS))}


def take_turns() -> dict[str, Any]:
    """Two connections send one statement in turns: the pooler gives both the server connection it used last."""
    from django.db import DatabaseError, connection

    from routing.models import Workspace

    def look(_: int) -> str:
        try:
            for _ in range(STATEMENTS):
                Workspace.objects.filter(slug="no-such-workspace").exists()
        except DatabaseError as error:
            return str(getattr(error.__cause__, "sqlstate", ""))
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        return {"failures": [pool.submit(look, 0).result() for pool in (first, second)]}


def work() -> dict[str, Any]:
    from django.conf import settings
    from django.db import connection

    from distribution.attempts.distribute import distribute_lead
    from routing.models import Lead
    from routing.tasks import reconcile

    results = in_threads(
        lambda pk: distribute_lead(pk).result, list(Lead.objects.values_list("pk", flat=True))
    )
    for name in settings.LEADSWITCH_RECONCILERS:
        reconcile(name)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        limits = cursor.fetchone()
        cursor.execute("SHOW enable_seqscan")
        limits += cursor.fetchone()
    return {"results": results, "limits": limits}


def in_threads(work: Any, items: Any) -> list[Any]:
    """Each thread keeps its connections, as a worker's do. The pooler runs their statements on any of its own."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, items))


PARTS: Final[dict[str, Any]] = {"build": build, "intake": intake, "work": work, "take_turns": take_turns}


def main() -> None:
    django.setup()
    from leadswitch.database.fitness import begin

    begin(threads=THREADS)
    part, *arguments = sys.argv[1:]
    json.dump(PARTS[part](*arguments), sys.stdout)


if __name__ == "__main__":
    main()
