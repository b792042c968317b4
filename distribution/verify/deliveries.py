"""Invariant 12: every delivery has an end, a next time or a lease; every sale is delivered; every hold is asked for.

The end of a delivery follows from its tries or from a person. A direct post that goes on has an open hold, and its end
is the end of the sale: otherwise a buyer could accept a lead that was offered to another.
"""

from typing import Final

from distribution.verify.findings import Findings
from distribution.verify.reading import count, no_nested_loops, search
from distribution.verify.slices import Slice, in_deliveries, in_leads

CHECKED: Final = f"SELECT count(*) FROM distribution_delivery WHERE {in_deliveries('id')}"  # noqa: S608 - only a condition is put in
ENDED: Final = "('accepted', 'rejected', 'cancelled')"
# An endpoint that was turned on in a transaction that was still open is no endpoint of a sale beside it.
MARGIN: Final = "interval '1 minute'"

ENDED_DUE_OR_LEASED: Final = f"""
SELECT 'delivery ' || id AS subject, message FROM (
    SELECT id, CASE
        WHEN state = 'pending' AND next_try_at IS NULL THEN 'is pending, but has no time for its next try'
        WHEN state = 'posting' AND leased_until IS NULL THEN 'is posting, but has no lease'
        WHEN state IN {ENDED} AND ended_at IS NULL THEN format('is %%s, but has no time of its end', state)
        WHEN state NOT IN {ENDED} AND ended_at IS NOT NULL THEN format('is %%s, but has a time of its end', state)
        WHEN state <> 'pending' AND next_try_at IS NOT NULL
            THEN format('is %%s, but has a time for its next try', state)
        WHEN state <> 'posting' AND leased_until IS NOT NULL THEN format('is %%s, but has a lease', state)
        WHEN state IN ('rejected', 'unknown', 'cancelled') AND end_reason = ''
            THEN format('is %%s, but has no reason', state)
    END AS message
    FROM distribution_delivery WHERE {in_deliveries("id")}
) judged WHERE message IS NOT NULL
"""  # noqa: S608 - only conditions are put in

# A person may end a delivery whose tries do not tell its end. A late result may contradict the end of a sold lead's
# delivery, which changes nothing; of a direct post it must not be an acceptance, until a person has settled it.
TRIES_FIT_END: Final = f"""
WITH tried AS (
    SELECT delivery_id, count(*) AS tries, max(number) AS newest, count(*) FILTER (WHERE finished_at IS NULL) AS open,
        bool_or(outcome = 'accepted') AS is_accepted, bool_or(outcome = 'rejected') AS is_rejected,
        bool_or(outcome IN ('unknown', 'worker_lost')) AS may_have_arrived
    FROM distribution_deliverytry WHERE {in_deliveries("delivery_id")} GROUP BY delivery_id
)
SELECT 'delivery ' || id AS subject, message FROM (
    SELECT d.id, CASE
        WHEN COALESCE(t.tries, 0) <> d.tries OR t.newest <> d.tries
            THEN format('its number of tries is %%s, but %%s are recorded, up to number %%s', d.tries,
                COALESCE(t.tries, 0), COALESCE(t.newest, 0))
        WHEN d.state = 'posting' AND COALESCE(t.open, 0) <> 1 THEN 'is posting, but its try is not open'
        WHEN d.state <> 'posting' AND t.open > 0 THEN format('is %%s, but a try of it has no outcome', d.state)
        WHEN d.state <> 'accepted' AND t.is_accepted AND (d.is_direct_post OR d.state NOT IN {ENDED})
            AND d.settled_at IS NULL
            THEN format('is %%s, but a try of it was accepted', d.state)
        WHEN d.ended_by <> '' OR d.state NOT IN ('accepted', 'rejected') THEN NULL
        WHEN d.state = 'accepted' AND t.is_accepted IS NOT TRUE THEN 'is accepted, but none of its tries was'
        WHEN d.state = 'rejected' AND t.is_rejected IS NOT TRUE AND t.may_have_arrived
            THEN 'is rejected, but none of its tries was, and the buyer may have it'
        WHEN d.state = 'rejected' AND d.is_direct_post AND t.may_have_arrived
            THEN 'is rejected, but another try of it may have arrived'
    END AS message
    FROM distribution_delivery d LEFT JOIN tried t ON t.delivery_id = d.id
    WHERE {in_deliveries("d.id")}
) judged WHERE message IS NOT NULL
"""  # noqa: S608 - only conditions are put in

# Sales and deliveries are two parts of a slice of leads. A sale that is not in the slice is of another lead.
FITS_ITS_SALE: Final = f"""
SELECT 'delivery ' || id AS subject, message FROM (
    SELECT d.id, CASE
        WHEN a.lead_id IS DISTINCT FROM d.lead_id
            THEN format('has lead %%s, but its sale is of another lead', d.lead_id)
        WHEN e.purpose = 'ping' THEN format('goes to ping endpoint %%s, which gets no leads', e.id)
        WHEN e.buyer_id <> a.buyer_id
            THEN format('goes to buyer %%s, but its sale is to buyer %%s', e.buyer_id, a.buyer_id)
        WHEN d.is_test AND NOT a.is_test THEN 'is a test delivery of a real sale'
        WHEN a.is_test AND NOT d.is_test THEN 'is a real delivery of a test sale'
        WHEN a.state = 'held' AND NOT d.is_direct_post THEN 'delivers a lead that is only held'
    END AS message
    FROM distribution_delivery d
    JOIN distribution_endpoint e ON e.id = d.endpoint_id
    LEFT JOIN distribution_assignment a ON a.id = d.assignment_id AND {in_leads("a.lead_id")}
    WHERE d.assignment_id IS NOT NULL AND {in_leads("d.lead_id")}
) judged WHERE message IS NOT NULL
"""  # noqa: S608 - only conditions are put in

EACH_SALE_IS_DELIVERED: Final = f"""
SELECT 'assignment ' || a.id AS subject,
    format('has no delivery to endpoint %%s, which was active when the lead was sold', e.id) AS message
FROM distribution_assignment a
JOIN distribution_endpoint e ON e.buyer_id = a.buyer_id AND e.events = '{{}}' AND e.purpose = 'delivery'
    AND e.active AND e.disabled_at IS NULL
    AND (e.campaign_id IS NULL OR e.campaign_id = a.campaign_id) AND (NOT a.is_test OR e.test_url <> '')
    AND e.live_since + {MARGIN} < COALESCE(a.settled_at, a.created_at)
LEFT JOIN distribution_delivery d ON d.assignment_id = a.id AND d.endpoint_id = e.id AND {in_leads("d.lead_id")}
WHERE a.state IN ('sold', 'returned') AND d.id IS NULL AND {in_leads("a.lead_id")}
"""  # noqa: S608 - only conditions are put in

EACH_HOLD_IS_ASKED_FOR: Final = f"""
SELECT 'assignment ' || a.id AS subject,
    CASE WHEN asked.posts IS NULL THEN 'is held, but has no direct post'
        WHEN asked.live = 0 THEN format('is held, but its direct post is %%s', asked.states)
        ELSE format('is held, but has %%s direct posts without an end', asked.live) END AS message
FROM distribution_assignment a
LEFT JOIN (
    SELECT assignment_id, count(*) AS posts, count(*) FILTER (WHERE state NOT IN {ENDED}) AS live,
        string_agg(state, ', ' ORDER BY id) AS states
    FROM distribution_delivery WHERE is_direct_post AND {in_leads("lead_id")} GROUP BY assignment_id
) asked ON asked.assignment_id = a.id
WHERE a.state = 'held' AND COALESCE(asked.live, 0) <> 1 AND {in_leads("a.lead_id")}
"""  # noqa: S608 - only conditions are put in

DIRECT_POST_ENDS_WITH_ITS_SALE: Final = f"""
SELECT 'delivery ' || d.id AS subject,
    CASE WHEN d.state IN {ENDED} THEN format('is %%s, but its sale is %%s', d.state, a.state)
        ELSE format('still asks its buyer, but its sale is %%s', a.state) END AS message
FROM distribution_assignment a JOIN distribution_delivery d ON d.assignment_id = a.id
WHERE d.is_direct_post AND a.state <> 'held' AND d.state <> 'cancelled' AND d.settled_at IS NULL
    AND {in_leads("a.lead_id")} AND {in_leads("d.lead_id")}
    AND (d.state, a.state) NOT IN (('accepted', 'sold'), ('accepted', 'returned'), ('rejected', 'rejected'))
"""  # noqa: S608 - only conditions are put in


def check_deliveries(part: Slice, findings: Findings) -> None:
    findings.checked = count(CHECKED, part)
    search(findings, ENDED_DUE_OR_LEASED, part)
    with no_nested_loops():
        search(findings, TRIES_FIT_END, part)


def check_sales(part: Slice, findings: Findings) -> None:
    with no_nested_loops():
        for sql in (
            FITS_ITS_SALE,
            EACH_SALE_IS_DELIVERED,
            EACH_HOLD_IS_ASKED_FOR,
            DIRECT_POST_ENDS_WITH_ITS_SALE,
        ):
            search(findings, sql, part)
