"""Whether the calls of a verification are used up, by the policy of its campaign as it is now.

An answered call that ended without a key does not decide that itself: its key may still be on its way (settling.py).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from distribution.calls.allowing import Refusal
from distribution.calls.facts import CallFacts
from distribution.calls.following import Follow, follow
from distribution.calls.settling import read_policy
from distribution.models import CallOutcome

# The latest first. One that was not placed is no try. An operator may ask for one more call than the policy allows.
READ_TRIES: Final = """
SELECT c.outcome, c.ended_at, EXISTS (
    SELECT FROM distribution_callevent e
    WHERE e.verification_id = c.verification_id AND e.code = 'call_now' AND e.at > c.created_at
)
FROM distribution_call c
WHERE c.verification_id = %s AND c.ended_at IS NOT NULL AND c.outcome <> 'not_placed'
ORDER BY c.id DESC
"""


@dataclass(frozen=True, slots=True)
class Try:
    """`is_asked_for_again`: an operator asked for another call after this one."""

    outcome: str
    ended_at: datetime
    is_asked_for_again: bool


def check_tries(facts: CallFacts, *, at: datetime) -> Refusal | None:
    """The step before any that looks at the person. Needs the verification's lock."""
    tries = _read_tries(facts.id) if facts.tries else ()
    if not tries or tries[0].is_asked_for_again:
        return None
    last = tries[0]
    counts = Counter(each.outcome for each in tries)
    following = follow(last.outcome, policy=read_policy(facts.campaign_id), counts=counts, at=last.ended_at)
    if following.follow is Follow.GIVE_UP:
        return Refusal(last.outcome, is_final=True)
    # It waited for a late key only, and the pause before the next call is not over.
    waited_for_key = facts.reason == last.outcome == CallOutcome.NO_INPUT
    if waited_for_key and following.due_at is not None and following.due_at > at:
        return Refusal(last.outcome, due_at=following.due_at)
    return None


def _read_tries(verification_id: int) -> Sequence[Try]:
    with connection.cursor() as cursor:
        cursor.execute(READ_TRIES, [verification_id])
        return [Try(*row) for row in cursor.fetchall()]
