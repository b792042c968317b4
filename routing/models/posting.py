"""The trigger that ends the posting of a lead to buyers' systems, whichever path finishes the lead."""

import pgtrigger


def end_of_posting_trigger() -> pgtrigger.Trigger:
    """A finished lead is no longer posted. If a buyer accepted it, it is sold, even if it expired or was given up.

    It is in the database because leads are finished by attempts, reconcilers, operators and senders.
    """
    return pgtrigger.Trigger(
        name="end_of_posting",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.Condition(
            "(NEW.finished_at IS NOT NULL AND (NEW.posting_since IS NOT NULL OR NEW.is_partly_sold))"
        ),
        func="""
            IF NEW.is_partly_sold AND NEW.status <> 'distributed' THEN
                NEW.status := 'distributed'; NEW.skip_reason := ''; NEW.due_reason := ''; NEW.cancel_reason := '';
            END IF;
            NEW.posting_since := NULL; NEW.is_partly_sold := FALSE;
            RETURN NEW;
        """,
    )
