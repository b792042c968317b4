"""A program: do the work of worker, dispatcher and beat on one database, and print each statement's plan as JSON.

Tests run it on a PostgreSQL of another version. Its role must be allowed to load auto_explain.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import django

EXPLAIN: Final = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_format = 'json'",
    "SET auto_explain.log_level = 'notice'",
    "SET auto_explain.log_nested_statements = on",
)


@contextmanager
def explained(plans: list[dict[str, Any]]) -> Iterator[None]:
    """Add the plan of each statement of the default connection, with its text."""
    from django.db import connection

    def keep(diagnostic: Any) -> None:
        _, found, plan = (diagnostic.message_primary or "").partition("plan:\n")
        if found:
            plans.append(json.loads(plan))

    with connection.cursor() as cursor:
        for statement in EXPLAIN:
            cursor.execute(statement)
    connection.connection.add_notice_handler(keep)
    try:
        yield
    finally:
        connection.connection.remove_notice_handler(keep)


def build() -> list[int]:
    """Leads that are sold, found to be a duplicate, left unsold, deferred and routed."""
    from tests.support.factories import (
        CampaignFactory,
        LeadFactory,
        RuleFactory,
        SourceFactory,
        enroll,
        person,
    )

    campaign = CampaignFactory(max_buyers=2)
    enroll(campaign, count=4, credits_cents=1_000_000, cap_day=3)
    of_agency = SourceFactory(workspace=campaign.workspace)
    rule = RuleFactory(destination=campaign.workspace)
    of_partner = SourceFactory(workspace=rule.workspace)
    empty = SourceFactory(workspace=CampaignFactory().workspace)
    ann = person("ann@example.com", "+14045550101")
    sources = [of_agency, of_agency, of_partner, of_partner, empty, *[of_agency] * 6]
    who = [ann, {}, person("bo@example.com", "+14045550102"), ann, *[{}] * 7]
    return [LeadFactory(source=source, **fields).pk for source, fields in zip(sources, who, strict=True)]


def work(lead_ids: list[int]) -> None:
    from django.conf import settings

    from distribution.attempts.distribute import distribute_next_due
    from distribution.tasks import pick_up_due, process_leads
    from routing.dispatch.control import (
        clear_leader_heartbeat,
        ensure_control,
        read_control,
        write_leader_heartbeat,
    )
    from routing.dispatcher.loop import catch_up
    from routing.models import DispatchPath
    from routing.tasks import forget_idempotency_keys, reconcile

    ensure_control()
    write_leader_heartbeat("test", epoch=1, path=DispatchPath.REDIS)
    assert read_control().is_led
    process_leads(lead_ids[:4], is_leased=False)
    distribute_next_due()
    pick_up_due()
    clear_leader_heartbeat("test")
    pick_up_due()
    list(catch_up())
    forget_idempotency_keys()
    for name in settings.LEADSWITCH_RECONCILERS:
        reconcile(name)


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from leadswitch.database.fitness import check_database

    check_database()
    call_command("migrate", verbosity=0)
    leads = build()
    plans: list[dict[str, Any]] = []
    with explained(plans):
        work(leads)
    json.dump(plans, sys.stdout)


if __name__ == "__main__":
    main()
