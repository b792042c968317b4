"""Triggers that raise a campaign's `config_version` when anything a decision reads has changed.

They live in the database so that no path around the forms (an update(), a script, psql) leaves a stale version.
"""

from collections.abc import Sequence

import pgtrigger

from routing.models.changed import is_changed


def own_version_trigger(columns: Sequence[str]) -> pgtrigger.Trigger:
    """The campaign's own change: one version up, whatever version the writer had read."""
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
    """A change of a row with a `campaign_id`: one version up for its campaign, and for the one it has left."""
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
    """Of an enrollment that is added: nobody changes its buyer until it is there for everybody, nor before it is.

    A change of a buyer raises the version of the campaigns in which it finds the buyer. Without this lock it finds
    nothing of an enrollment that is not committed, and the version stays. FOR SHARE waits for a change of any column;
    the foreign key's own FOR KEY SHARE does not. Enrollments keep their buyer, so that no update needs it.

    Its name comes before continue_counters: who waits here holds no other enrollment. The lock serves transactions at
    READ COMMITTED, in which the statements after it see what was committed meanwhile.
    """
    return pgtrigger.Trigger(
        name="buyer_holds_still",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func="PERFORM 1 FROM distribution_buyer WHERE id = NEW.buyer_id FOR SHARE; RETURN NEW;",
    )


def buyer_version_trigger(columns: Sequence[str]) -> pgtrigger.Trigger:
    """A change of a buyer: one version up for every campaign the buyer is enrolled in, locked by ascending id."""
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
