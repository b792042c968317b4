"""Triggers of routing_rule: no cycle, no path too long, and a version for each workspace that readers compare.

They live in the database so that no path around the forms (an update(), a script, psql) makes a cycle or leaves a
compiled rule behind. All changes of rules take one advisory lock first: two that make a cycle only together cannot
both pass, and none overlooks a rule that another transaction is about to commit.
"""

from typing import Final

import pgtrigger

from routing.models.changed import is_changed

# "lsrules" as a number: the one lock for every change of rules, until its transaction ends.
RULES_LOCK: Final = 0x6C73_7275_6C65_73
# The most rules that a lead may follow. A longer chain is refused when it is made.
MAX_HOPS: Final = 8

_WATCHED: Final = ("workspace_id", "name", "priority", "active", "conditions", "destination_id", "tags")
_LEADS: Final = ("workspace_id", "active", "destination_id")

_SERIALIZE: Final = f"PERFORM pg_advisory_xact_lock({RULES_LOCK}); RETURN NULL;"

# Bounded by places and depths, not by paths: it ends in a cycle and is quick in a dense graph.
_NO_RING: Final = f"""
    IF NOT NEW.active THEN
        RETURN NULL;
    END IF;
    WITH RECURSIVE onward(id, hops) AS (
        SELECT NEW.destination_id, 1
        UNION
        SELECT r.destination_id, o.hops + 1 FROM onward o JOIN routing_rule r ON r.workspace_id = o.id AND r.active
        WHERE o.hops <= {MAX_HOPS} AND o.id <> NEW.workspace_id
    )
    SELECT bool_or(id = NEW.workspace_id), max(hops) INTO is_ring, hops_after FROM onward;
    IF is_ring THEN
        RAISE EXCEPTION 'Rule % makes a cycle. Its leads would return to workspace %. Choose another destination.',
            NEW.id, NEW.workspace_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rule_makes_no_cycle', TABLE = 'routing_rule';
    END IF;
    WITH RECURSIVE before(id, hops) AS (
        SELECT NEW.workspace_id, 0
        UNION
        SELECT r.workspace_id, b.hops + 1 FROM before b JOIN routing_rule r ON r.destination_id = b.id AND r.active
        WHERE b.hops <= {MAX_HOPS}
    )
    SELECT max(hops) INTO hops_before FROM before;
    IF hops_before + hops_after > {MAX_HOPS} THEN
        RAISE EXCEPTION 'Rule % makes a path of more than {MAX_HOPS} rules. Uncheck Active on one of them.', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rule_path_is_short', TABLE = 'routing_rule';
    END IF;
    RETURN NULL;
"""  # noqa: S608 - only a constant is put in


def _raise_versions(workspaces: str) -> str:
    """Raise the version of these workspaces, and of all whose leads can come through them, locked by ascending id."""
    return f"""
        upstream := ARRAY(
            WITH RECURSIVE reached(id) AS (
                SELECT unnest(ARRAY[{workspaces}])
                UNION
                SELECT r.workspace_id FROM reached JOIN routing_rule r ON r.destination_id = reached.id AND r.active
            )
            SELECT id FROM reached
        );
        PERFORM 1 FROM routing_workspace WHERE id = ANY(upstream) ORDER BY id FOR NO KEY UPDATE;
        UPDATE routing_workspace SET rules_version = rules_version + 1 WHERE id = ANY(upstream);
        RETURN NULL;
    """  # noqa: S608 - only names of columns are put in


def _version_trigger(name: str, operation: pgtrigger.Operation, func: str) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        declare=[("upstream", "bigint[]")],
        func=func,
    )


def version_stays_trigger() -> pgtrigger.Trigger:
    """In Meta.triggers of Workspace: saving a row that was read earlier does not lower its version.

    The next change would raise it to a number under which processes have cached other rules.
    """
    return pgtrigger.Trigger(
        name="rules_version_stays",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf("rules_version"),
        condition=pgtrigger.Condition("(NEW.rules_version < OLD.rules_version)"),
        func="NEW.rules_version := OLD.rules_version; RETURN NEW;",
    )


def rule_triggers() -> list[pgtrigger.Trigger]:
    """In Meta.triggers of RoutingRule."""
    return [
        # Before the statement: a transaction that waits for this lock holds no row of a rule.
        pgtrigger.Trigger(
            name="one_at_a_time",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
            func=_SERIALIZE,
        ),
        # After the statement, so that a cycle made by several of its rows is seen.
        pgtrigger.Trigger(
            name="no_cycle",
            when=pgtrigger.After,
            operation=pgtrigger.Insert | pgtrigger.UpdateOf(*_LEADS),
            declare=[("is_ring", "boolean"), ("hops_before", "int"), ("hops_after", "int")],
            func=_NO_RING,
        ),
        _version_trigger("version_on_insert", pgtrigger.Insert, _raise_versions("NEW.workspace_id")),
        _version_trigger("version_on_delete", pgtrigger.Delete, _raise_versions("OLD.workspace_id")),
        _version_trigger(
            "version_on_update",
            pgtrigger.UpdateOf(*_WATCHED),
            f"IF NOT {is_changed(_WATCHED)} THEN RETURN NULL; END IF;"
            + _raise_versions("OLD.workspace_id, NEW.workspace_id"),
        ),
    ]
