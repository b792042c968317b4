"""Triggers that raise a campaign's `config_version` when anything that a decision reads has changed.

They are in the database so that no other path (an update(), a script, psql) leaves a stale version.
"""

from collections.abc import Sequence

import pgtrigger

from routing.models.changed import is_changed


def own_version_trigger(columns: Sequence[str]) -> pgtrigger.Trigger:
    """A change of the campaign itself raises its version by one, whatever version the writer had read."""
    return pgtrigger.Trigger(
        name="own_version",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF {is_changed(columns)} THEN
                NEW.config_version := OLD.config_version + 1;
            ELSIF NEW.config_version < OLD.config_version THEN
                NEW.config_version := OLD.config_version;
            END IF;
            RETURN NEW;
        """,
    )


def parent_version_triggers(columns: Sequence[str]) -> list[pgtrigger.Trigger]:
    """A change of a row with a `campaign_id` raises the version of its campaign and of the campaign that it left."""
    bump = "UPDATE distribution_campaign SET config_version = config_version + 1 WHERE id IN ({ids});"
    both = bump.format(ids="OLD.campaign_id, NEW.campaign_id")
    return [
        pgtrigger.Trigger(
            name="version_on_insert",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            func=bump.format(ids="NEW.campaign_id") + " RETURN NULL;",
        ),
        pgtrigger.Trigger(
            name="version_on_delete",
            when=pgtrigger.After,
            operation=pgtrigger.Delete,
            func=bump.format(ids="OLD.campaign_id") + " RETURN NULL;",
        ),
        pgtrigger.Trigger(
            name="version_on_update",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf(*columns),
            func=f"IF {is_changed(columns)} THEN {both} END IF; RETURN NULL;",
        ),
    ]


def buyer_holds_still_trigger() -> pgtrigger.Trigger:
    """A new enrollment locks its buyer until it commits.

    A change of a buyer raises the version of the campaigns in which it finds the buyer. Without this lock it does
    not see an uncommitted enrollment, and the version stays. FOR SHARE waits for a change of any column; the
    foreign key's own FOR KEY SHARE does not. Enrollments keep their buyer, so updates do not need the lock.

    Its name sorts before continue_counters: a transaction that waits here holds no other enrollment. The lock
    serves transactions at READ COMMITTED, whose next statements see what was committed in between.
    """
    return pgtrigger.Trigger(
        name="buyer_holds_still",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func="PERFORM 1 FROM distribution_buyer WHERE id = NEW.buyer_id FOR SHARE; RETURN NEW;",
    )


def buyer_version_trigger(columns: Sequence[str]) -> pgtrigger.Trigger:
    """A change of a buyer raises the version of each campaign in which it is enrolled, locked by ascending id."""
    return pgtrigger.Trigger(
        name="version_on_update",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf(*columns),
        func=f"""
            IF {is_changed(columns)} THEN
                PERFORM 1 FROM distribution_campaign
                WHERE id IN (SELECT campaign_id FROM distribution_enrollment WHERE buyer_id = NEW.id)
                ORDER BY id FOR NO KEY UPDATE;
                UPDATE distribution_campaign SET config_version = config_version + 1
                WHERE id IN (SELECT campaign_id FROM distribution_enrollment WHERE buyer_id = NEW.id);
            END IF;
            RETURN NULL;
        """,  # noqa: S608 - only constant column lists are put in
    )
