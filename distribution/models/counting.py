"""Triggers that preserve a buyer's counters when its enrollment is deleted, moved or added again.

They are in the database so that no other path (a delete(), a script, psql) grants a cap twice.
"""

import pgtrigger


def archive_trigger() -> pgtrigger.Trigger:
    """Archive an enrollment with sales instead of deleting it, because its sales refer to it."""
    return pgtrigger.Trigger(
        name="archive_with_sales",
        when=pgtrigger.Before,
        operation=pgtrigger.Delete,
        func="""
            IF EXISTS (SELECT 1 FROM distribution_assignment WHERE enrollment_id = OLD.id) THEN
                UPDATE distribution_enrollment SET archived_at = clock_timestamp()
                WHERE id = OLD.id AND archived_at IS NULL;
                RETURN NULL;
            END IF;
            RETURN OLD;
        """,
    )


# The turn comes from the row that was archived last. Its lock serializes returns of its sales: a return is either
# counted here already, or finds the new row.
_CONTINUE = """
    IF TG_OP = 'UPDATE' THEN
        IF NEW.campaign_id = OLD.campaign_id AND NEW.buyer_id = OLD.buyer_id
            AND (OLD.archived_at IS NULL OR NEW.archived_at IS NOT NULL) THEN
            RETURN NEW;
        END IF;
        NEW.counted_on := NULL; NEW.hour_starts_at := NULL;
        NEW.hour_leads := 0; NEW.day_leads := 0; NEW.week_leads := 0; NEW.month_leads := 0;
        NEW.hour_spent_cents := 0; NEW.day_spent_cents := 0; NEW.week_spent_cents := 0; NEW.month_spent_cents := 0;
    END IF;
    FOR former IN
        SELECT * FROM distribution_enrollment
        WHERE campaign_id = NEW.campaign_id AND buyer_id = NEW.buyer_id AND id <> NEW.id
        ORDER BY id FOR NO KEY UPDATE
    LOOP
        NEW.last_assigned_at := former.last_assigned_at; NEW.virtual_finish := former.virtual_finish;
    END LOOP;
    SELECT max(a.counted_on), date_trunc('hour', max(a.created_at), b.timezone) INTO latest, hour_at
    FROM distribution_assignment a JOIN distribution_buyer b ON b.id = a.buyer_id
    WHERE a.buyer_id = NEW.buyer_id AND a.campaign_id = NEW.campaign_id AND NOT a.is_test
    GROUP BY b.id;
    IF latest IS NULL THEN
        RETURN NEW;
    END IF;
    week_on := date_trunc('week', latest);
    month_on := date_trunc('month', latest);
    NEW.hour_starts_at := hour_at;
    SELECT latest,
        count(*) FILTER (WHERE created_at >= hour_at),
        COALESCE(sum(price_cents) FILTER (WHERE created_at >= hour_at), 0),
        count(*) FILTER (WHERE counted_on = latest),
        COALESCE(sum(price_cents) FILTER (WHERE counted_on = latest), 0),
        count(*) FILTER (WHERE counted_on >= week_on),
        COALESCE(sum(price_cents) FILTER (WHERE counted_on >= week_on), 0),
        count(*) FILTER (WHERE counted_on >= month_on),
        COALESCE(sum(price_cents) FILTER (WHERE counted_on >= month_on), 0)
    INTO NEW.counted_on, NEW.hour_leads, NEW.hour_spent_cents, NEW.day_leads, NEW.day_spent_cents,
        NEW.week_leads, NEW.week_spent_cents, NEW.month_leads, NEW.month_spent_cents
    FROM distribution_assignment
    WHERE buyer_id = NEW.buyer_id AND campaign_id = NEW.campaign_id AND is_counted
        AND counted_on >= LEAST(week_on, month_on);
    RETURN NEW;
"""


def continue_counters_trigger() -> pgtrigger.Trigger:
    """A new, moved or restored enrollment continues with the counts of its buyer in that campaign."""
    return pgtrigger.Trigger(
        name="continue_counters",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("campaign_id", "buyer_id", "archived_at"),
        declare=[
            ("former", "distribution_enrollment%ROWTYPE"),
            ("latest", "date"),
            ("hour_at", "timestamptz"),
            ("week_on", "date"),
            ("month_on", "date"),
        ],
        func=_CONTINUE,
    )


def count_by_date_trigger() -> pgtrigger.Trigger:
    """The distributor writes the date that a sale counts in. A sale written by other SQL gets the buyer's current
    date.
    """
    return pgtrigger.Trigger(
        name="count_by_date",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Q(new__counted_on__isnull=True),
        func="""
            SELECT (COALESCE(NEW.created_at, clock_timestamp()) AT TIME ZONE timezone)::date INTO NEW.counted_on
            FROM distribution_buyer WHERE id = NEW.buyer_id;
            RETURN NEW;
        """,
    )
