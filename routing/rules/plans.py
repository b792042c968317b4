"""Routing plans: read in one statement, compiled once per version, cached in the process.

Every attempt reads the version from the database, so an outdated plan is never used. A workspace that never had a rule
costs no statement.
"""

import json
from typing import Final

from django.db import connection

from routing.metrics.leads import PLANS_COMPILED
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
    """An LRU cache of compiled plans in this process."""

    def __init__(self, size: int = MAX_CACHED) -> None:
        self._plans: VersionCache[int, Plan] = VersionCache(size)

    def get(self, workspace_id: int, *, version: int) -> Plan:
        """Return the plan compiled at `version`, or at a newer one if the rules have just changed.

        Raises UnknownWorkspace. A stored rule that does not compile raises only for leads that reach it.
        """
        if version == NO_VERSION:
            return Plan(workspace_id, NO_VERSION, {})
        plan = self._plans.find(workspace_id)
        if plan is None or plan.version != version:
            plan = self._plans.store(workspace_id, read_plan(workspace_id))
            PLANS_COMPILED.inc()
        return plan

    def clear(self) -> None:
        """Drop all plans; the next attempt reads from the database."""
        self._plans.clear()


PLANS: Final = PlanCache()


def read_plan(workspace_id: int) -> Plan:
    """Read and compile the current rules. Raises UnknownWorkspace."""
    with connection.cursor() as cursor:
        cursor.execute(READ_PLAN, [workspace_id])
        rows = cursor.fetchall()
    versions = {each: version for each, version, _ in rows}
    if workspace_id not in versions:
        message = f"no workspace has the id {workspace_id}"
        raise UnknownWorkspace(message)
    stored = {each: json.loads(rules) for each, _, rules in rows}
    compiled = {each: compile_rules(found) for each, found in stored.items() if found}
    return Plan(workspace_id, versions[workspace_id], compiled)
