"""What the database knows of deliveries when the results of their tries are written: read under their locks.

The claim's copy may be old by then: the sale was returned, a person decided, or the message was given to another try.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection
from psycopg.pq import Format

from distribution.attempts.taken_back import IS_TAKEN_BACK
from distribution.deliveries.claim import Claimed
from distribution.deliveries.ended_subscriptions import SUBSCRIPTION_ENDED
from distribution.deliveries.locks import lock_deliveries
from distribution.models import DeliveryState
from distribution.sql_arrays import array_literal

# The outcome of a try after which the buyer may have the message. Blank: nobody knows yet how it ended.
MAY_HAVE_ARRIVED: Final = "t.outcome IN ('', 'unknown', 'worker_lost', 'accepted')"

READ: Final = f"""
SELECT d.id, w.number, d.state, d.tries, d.created_at, {IS_TAKEN_BACK},
    EXISTS (
        SELECT FROM distribution_deliverytry t
        WHERE t.delivery_id = d.id AND t.number <> w.number AND {MAY_HAVE_ARRIVED}
    ),
    EXISTS (
        SELECT FROM distribution_deliverytry t
        WHERE t.delivery_id = d.id AND t.number = w.number AND t.outcome NOT IN ('', 'worker_lost')
    ),
    l.posting_since, c.post_deadline_seconds,
    d.event_id IS NOT NULL AND d.end_reason = '{SUBSCRIPTION_ENDED}',
    e.failing_since IS NULL AND COALESCE(e.last_success_at > statement_timestamp() - interval '30 seconds', false)
FROM unnest(%s::bigint[], %s::int[]) AS w(id, number)
JOIN distribution_delivery d ON d.id = w.id
JOIN distribution_endpoint e ON e.id = d.endpoint_id
LEFT JOIN distribution_assignment s ON s.id = d.assignment_id AND d.is_direct_post
LEFT JOIN distribution_campaign c ON c.id = s.campaign_id
LEFT JOIN routing_lead l ON l.id = s.lead_id
"""  # noqa: S608 - only conditions are put in
HAS_ARRIVED: Final = f"""
SELECT EXISTS (SELECT FROM distribution_deliverytry t WHERE t.delivery_id = %s AND {MAY_HAVE_ARRIVED})
"""  # noqa: S608 - only a condition is put in


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A delivery beside one of its tries.

    `is_current`: it waits for the result of this try. `is_recorded`: the result was written before.
    `may_have_arrived`: another try may have reached the buyer. `gives_up_at`: until when a buyer that cannot be reached
    is asked again; None: as often as any lead. `is_unwanted`: an event whose subscription ended while it was sent.
    `is_known_to_work`: a success of its endpoint was noted just now.
    """

    state: DeliveryState = DeliveryState.POSTING
    is_current: bool = True
    is_recorded: bool = False
    is_taken_back: bool = False
    may_have_arrived: bool = False
    gives_up_at: datetime | None = None
    is_unwanted: bool = False
    is_known_to_work: bool = False


def lock_standings(claims: Sequence[Claimed]) -> dict[int, Standing]:
    """By id. Needs an open transaction, and for a direct post the lead's lock; each delivery may be named once.

    Locks the deliveries by id, and reads them by a second statement: the first could see a sale before its return.
    """
    ids = [each.id for each in claims]
    lock_deliveries(ids)
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(READ, [array_literal(ids), array_literal(each.number for each in claims)])
        rows = map(_Row._make, cursor.fetchall())
        return {row.id: row.describe() for row in rows}


def may_have_arrived(delivery_id: int) -> bool:
    """Whether the buyer may have the message. Needs the delivery's lock."""
    with connection.cursor() as cursor:
        cursor.execute(HAS_ARRIVED, [delivery_id])
        return bool(cursor.fetchone()[0])


class _Row(NamedTuple):
    """One row of READ, in the order of its columns."""

    id: int
    number: int
    state: str
    tries: int
    created_at: datetime
    is_taken_back: bool
    may_have_arrived: bool
    is_recorded: bool
    posting_since: datetime | None
    post_deadline_seconds: int | None
    is_unwanted: bool
    is_known_to_work: bool

    def describe(self) -> Standing:
        return Standing(
            state=DeliveryState(self.state),
            is_current=self.state == DeliveryState.POSTING and self.tries == self.number,
            is_recorded=self.is_recorded,
            is_taken_back=self.is_taken_back,
            may_have_arrived=self.may_have_arrived,
            gives_up_at=self._find_end(),
            is_unwanted=self.is_unwanted,
            is_known_to_work=self.is_known_to_work,
        )

    def _find_end(self) -> datetime | None:
        """Half of the time that the chain had left when this buyer was asked. The next buyers have the other half."""
        if self.posting_since is None or self.post_deadline_seconds is None:
            return None
        left = self.posting_since + timedelta(seconds=self.post_deadline_seconds) - self.created_at
        return self.created_at + max(timedelta(0), left) / 2
