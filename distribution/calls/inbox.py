"""The inbox of what carriers report: each report is stored before it is applied, and a repeated one once.

A call has few reports. A carrier that repeats one with other words or numbers, without end, fills no table: the state
of such a call is asked for, and its keys have room of their own.
"""

from dataclasses import asdict
from typing import Final

from django.db import connection

from distribution.calls.notices import Notice

# Of one kind of a call, and of keys for each key. Reports at the same moment may be a few more.
MOST_REPORTS: Final = 100
STORE: Final = f"""
INSERT INTO distribution_callnotice (
    call_id, kind, carrier_sid, status, sequence, key, answered_by, duration_seconds, recording_sid
)
SELECT %(call)s::bigint, %(kind)s::varchar, %(carrier_sid)s, %(status)s, %(sequence)s::integer, %(key)s::varchar,
    %(answered_by)s, %(duration_seconds)s::integer, %(recording_sid)s
WHERE (
    SELECT count(*) FROM distribution_callnotice n
    WHERE n.call_id = %(call)s::bigint AND n.kind = %(kind)s::varchar AND n.key = %(key)s::varchar
) < {MOST_REPORTS}
ON CONFLICT DO NOTHING
"""  # noqa: S608 - only a constant is put in


def store(notice: Notice, *, call_id: int) -> bool:
    """False: it was stored before, or the call has more reports than any call needs."""
    with connection.cursor() as cursor:
        cursor.execute(STORE, {"call": call_id, **asdict(notice)})
        return bool(cursor.rowcount)
