"""Which attempt or offer decided for a buyer: the latest one that considered it. SQL only.

The attempt of another buyer's claim, that of the answer of a buyer's system and the one that closes an offer often
consider none or not all of the buyers. What an earlier attempt found about the others stays true then.
"""

from typing import Final

# Attempts that go on with an earlier one.
CONTINUING: Final = ("claim", "delivery", "offer_closed")
CONTINUING_SQL: Final = ", ".join(f"'{each}'" for each in CONTINUING)
# A buyer that was not in the auction: skipped when that opened, it keeps the reason. {0}: the alias of the event.
LEFT_OUT: Final = "({0}.skip_reason = 'no_bid' AND {0}.data ->> 'outcome' IS NOT DISTINCT FROM '')"
# OFFSET 0: PostgreSQL looks up the few attempts of a lead, and never reads all events of the buyer into a hash.
# The parameter `buyer`, and the aliases `e` (with lead_id) and `a` (the attempt): of this buyer and attempt.
IS_DECISIVE: Final = f"""
NOT EXISTS (
    SELECT FROM tracing_attempt later
    WHERE later.lead_id = a.lead_id AND later.number > a.number AND (
        later.trigger NOT IN ({CONTINUING_SQL})
        OR EXISTS (
            SELECT FROM tracing_leaddistributionevent own
            WHERE own.attempt_id = later.id AND own.buyer_id = %(buyer)s
                AND own.event IN ('buyer_skipped', 'buyer_selected') AND NOT {LEFT_OUT.format("own")}
            OFFSET 0
        )
        OR EXISTS (
            SELECT FROM distribution_offer next JOIN distribution_offerbuyer own ON own.offer_id = next.id
            WHERE next.lead_id = a.lead_id AND next.attempt_id = later.id AND next.state = 'closed'
                AND own.buyer_id = %(buyer)s
            OFFSET 0
        )
    )
)
AND NOT EXISTS (
    SELECT FROM distribution_assignment s
    WHERE s.lead_id = a.lead_id AND s.buyer_id = %(buyer)s AND s.state IN ('sold', 'held')
)
"""  # noqa: S608 - constants only
