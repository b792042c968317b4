"""Processes a request with an Idempotency-Key once. The answer is stored with the work and returned to repeats.

Only answers are stored, never refusals: a failed request can be sent again with the same key.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection, transaction

# A stored answer with this code is not final: the request continues after its transaction.
RUNNING: Final = 102
# The request has ended, but its result could not be read. A repeat reads it.
UNREAD: Final = 103
# The longest time that a request can take. After that its process must have died, and a repeat gets the stored answer.
LONGEST_RUN_SECONDS: Final = 45
KEPT_HOURS: Final = 24
DELETED_PER_BATCH: Final = 1_000

TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(%s)"

FIND: Final = f"""
SELECT fingerprint, status_code, response::text,
    status_code = {RUNNING} AND created_at > now() - make_interval(secs => {LONGEST_RUN_SECONDS})
FROM routing_idempotencyrecord
WHERE owner_id = %s AND route = %s AND key = %s
"""  # noqa: S608 - only constants are put in

STORE: Final = """
INSERT INTO routing_idempotencyrecord (owner_id, route, key, workspace_id, fingerprint, status_code, response)
VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb)
"""

STORE_RESPONSE: Final = f"""
UPDATE routing_idempotencyrecord SET status_code = %s, response = %s::jsonb
WHERE owner_id = %s AND route = %s AND key = %s AND status_code IN ({RUNNING}, {UNREAD})
"""  # noqa: S608 - only constants are put in

FORGET: Final = """
DELETE FROM routing_idempotencyrecord WHERE id IN (
    SELECT id FROM routing_idempotencyrecord
    WHERE created_at < now() - make_interval(hours => %s)
    ORDER BY created_at LIMIT %s
    FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request with an Idempotency-Key.

    `owner_id` is the public id of the source, buyer or workspace whose API key it carries, so two sources of one
    workspace can use the same keys. `fingerprint` identifies its body. Records of an earlier version have the digest of
    its bytes, `body_sha256`, instead.
    """

    owner_id: UUID
    workspace_id: int
    route: str
    key: str
    fingerprint: str
    body_sha256: str

    @property
    def place(self) -> tuple[UUID, str, str]:
        return self.owner_id, self.route, self.key


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets. `body` contains only JSON types.

    `undecided_lead_id` is set while the answer is not final: the lead's decision follows, and then store_response().
    `is_unfinished` marks a repeat whose stored answer is not final although no process works on it.
    """

    status_code: int
    body: Mapping[str, Any]
    is_replayed: bool = False
    undecided_lead_id: int | None = None
    is_unfinished: bool = False


class KeyReused(Exception):
    """The key was already used with another body."""


class StillRunning(Exception):
    """The first request with this key is still running."""


def fingerprint(body: object) -> str:
    """Return the SHA-256 of a parsed body. The order of its keys and its whitespace do not matter."""
    return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def answer_once(request: IdempotentRequest | None, work: Callable[[], Answer]) -> Answer:
    """Do the work and store its answer in one transaction, or return the stored answer. Without a request, only work.

    Raises KeyReused, and StillRunning (also while an answer waits for store_response()).
    """
    if request is None:
        return work()
    with transaction.atomic():
        _lock(request)
        stored = _find(request)
        if stored is not None:
            return stored
        answer = work()
        _store(request, answer)
    return answer


def store_response(request: IdempotentRequest | None, answer: Answer, *, is_complete: bool) -> None:
    """Store the answer of a request that continued after its transaction. Without `is_complete` it is not final."""
    if request is not None:
        status_code = answer.status_code if is_complete else UNREAD
        with connection.cursor() as cursor:
            cursor.execute(STORE_RESPONSE, [status_code, json.dumps(answer.body), *request.place])


def forget_old_keys() -> int:
    """Delete records older than KEPT_HOURS in batches, and return their number."""
    forgotten: int = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [KEPT_HOURS, DELETED_PER_BATCH])
            forgotten += cursor.rowcount
            if cursor.rowcount < DELETED_PER_BATCH:
                return forgotten


def _lock(request: IdempotentRequest) -> None:
    """Separate from the lookup, which must see what the previous holder of the lock committed. Raises StillRunning."""
    digest = sha256(json.dumps([str(part) for part in request.place]).encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute(TRY_LOCK, [int.from_bytes(digest[:8], signed=True)])
        if not cursor.fetchone()[0]:
            raise StillRunning


def _find(request: IdempotentRequest) -> Answer | None:
    with connection.cursor() as cursor:
        cursor.execute(FIND, request.place)
        row = cursor.fetchone()
    if row is None:
        return None
    stored_fingerprint, status_code, response, is_running = row
    if stored_fingerprint not in (request.fingerprint, request.body_sha256):
        raise KeyReused
    if is_running:
        raise StillRunning
    answer = Answer(status_code, json.loads(response), is_replayed=True)
    is_unfinished = status_code in (RUNNING, UNREAD)
    return replace(answer, status_code=201, is_unfinished=True) if is_unfinished else answer


def _store(request: IdempotentRequest, answer: Answer) -> None:
    status_code = RUNNING if answer.undecided_lead_id is not None else answer.status_code
    with connection.cursor() as cursor:
        values: list[Any] = [request.workspace_id, request.fingerprint, status_code, json.dumps(answer.body)]
        cursor.execute(STORE, [*request.place, *values])
