"""Keeps direct posts with endpoints that can answer: one trigger of endpoints, one of deliveries.

The answer of the buyer's system decides whether a held price is charged. A mail server that takes a message says
nothing about the lead. So a direct post is never sent by email, also if the endpoint's method changes while it waits.
"""

from typing import Final

import pgtrigger

# Values of Method.
ANSWERING: Final = ("webhook", "http")
NAMES: Final = ", ".join(f"'{name}'" for name in ANSWERING)


def answering_trigger() -> pgtrigger.Trigger:
    """Refuse a method that cannot answer while direct posts have no end. The other half is a trigger of deliveries.

    Each state has its own index. The row lock waits for sales that just inserted a direct post: their foreign key has
    locked the endpoint.
    """
    return pgtrigger.Trigger(
        name="answers_direct_posts",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf("method"),
        condition=pgtrigger.Condition(f"(OLD.method IN ({NAMES}) AND NEW.method NOT IN ({NAMES}))"),
        func="""
            PERFORM 1 FROM distribution_endpoint WHERE id = OLD.id FOR UPDATE;
            IF EXISTS (
                SELECT 1 FROM distribution_delivery
                WHERE endpoint_id = OLD.id AND is_direct_post
                    AND (state = 'pending' OR state = 'posting' OR state = 'unknown')
            ) THEN
                RAISE EXCEPTION 'Leads wait for an answer of endpoint %. End them, then change its method.', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'endpoint_answers_direct_posts', TABLE = TG_TABLE_NAME;
            END IF;
            RETURN NEW;
        """,
    )


def answered_trigger() -> pgtrigger.Trigger:
    """Insert no direct post to an endpoint whose method was changed to one that cannot answer while it was chosen.

    The sale then has no delivery, and its hold is released at once. A lock is needed to see the change: a sale chose
    the endpoint in an earlier snapshot. It is the lock of the foreign key, so sales do not wait for each other.
    """
    return pgtrigger.Trigger(
        name="direct_post_is_answered",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("(NEW.is_direct_post)"),
        func=f"""
            PERFORM 1 FROM distribution_endpoint WHERE id = NEW.endpoint_id AND method IN ({NAMES}) FOR KEY SHARE;
            IF NOT FOUND THEN
                RETURN NULL;
            END IF;
            RETURN NEW;
        """,
    )
