"""Routing plans: read in one statement, compiled once for each version, kept in the process.

The version comes from the database with every attempt, so a compiled plan can be old but never stale. A workspace
that never had a rule costs nothing.
"""

import json
from typing import Final

from django.db import connection

from routing import metrics
from routing.rules.ruleset import Plan, compile_rules
from routing.version_cache import VersionCache

# One statement, one snapshot: a plan never mixes two versions.
READ_PLAN: Final = """
WITH RECURSIVE reached(id) AS (
    SELECT %s::bigint
    UNION
    SELECT r.destination_id FROM reached JOIN routing_rule r ON r.workspace_id = reached.id AND r.active
)
SELECT w.id, w.rules_version, COALESCE((
    SELECT jsonb_agg(jsonb_build_object(
        'id', r.id, 'name', r.name, 'destination_id', r.destination_id, 'tags', to_jsonb(r.tags),
        'conditions', r.conditions
    ) ORDER BY r.priority DESC, r.id)
    FROM routing_rule r WHERE r.workspace_id = w.id AND r.active
), '[]')::text
FROM reached JOIN routing_workspace w ON w.id = reached.id
"""

NO_VERSION: Final = 0
MAX_CACHED: Final = 500


class UnknownWorkspace(LookupError):
    """No workspace has this id."""


class PlanCache:
    """Compiled plans of this process, least recently used dropped first."""

    def __init__(self, size: int = MAX_CACHED) -> None:
        self._plans: VersionCache[int, Plan] = VersionCache(size)

    def get(self, workspace_id: int, *, version: int) -> Plan:
        """Return the plan compiled at `version` or, if it changed in the meantime, at a newer one.

        Raises UnknownWorkspace. A stored rule that does not compile raises when a lead comes to it.
        """
        if version == NO_VERSION:
            return Plan(workspace_id, NO_VERSION, {})
        plan = self._plans.find(workspace_id)
        if plan is None or plan.version != version:
            plan = self._plans.store(workspace_id, read_plan(workspace_id))
            metrics.PLANS_COMPILED.inc()
        return plan

    def clear(self) -> None:
        """Forget everything; the next attempt reads from the database."""
        self._plans.clear()


PLANS: Final = PlanCache()


def read_plan(workspace_id: int) -> Plan:
    """Read and compile the rules as they are now. Raises UnknownWorkspace."""
    with connection.cursor() as cursor:
        cursor.execute(READ_PLAN, [workspace_id])
        rows = cursor.fetchall()
    versions = {row[0]: row[1] for row in rows}
    if workspace_id not in versions:
        message = f"no workspace has the id {workspace_id}"
        raise UnknownWorkspace(message)
    stored = {row[0]: json.loads(row[2]) for row in rows}
    rules = {each: compile_rules(found) for each, found in stored.items() if found}
    return Plan(workspace_id, versions[workspace_id], rules)
