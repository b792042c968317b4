"""The inbox of what carriers report: each report is stored before it is applied, and a repeated one once."""

from typing import Final

from django.db import connection

from distribution.calls.notices import Notice

STORE: Final = """
INSERT INTO distribution_callnotice (
    call_id, kind, carrier_sid, status, sequence, key, answered_by, duration_seconds, recording_sid
) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""


def store(notice: Notice, *, call_id: int) -> bool:
    """False: it was stored before."""
    values = [
        *(call_id, notice.kind, notice.carrier_sid, notice.status, notice.sequence, notice.key),
        *(notice.answered_by, notice.duration_seconds, notice.recording_sid),
    ]
    with connection.cursor() as cursor:
        cursor.execute(STORE, values)
        return bool(cursor.rowcount)
