"""Damage to deliveries by SQL, and the findings that verify must report."""

from tests.functional.verify.damage import Planted

DELIVERY = "distribution_delivery"
ENDED = f"UPDATE {DELIVERY} SET next_try_at = NULL, ended_at = now(), state ="
TRIED = (
    "; INSERT INTO distribution_deliverytry (delivery_id, number, started_at, finished_at, outcome)"
    " VALUES ({delivery}, 1, now(),"
)
DAMAGED_DELIVERIES = [
    Planted(
        "delivery_without_a_next_time",
        f"UPDATE {DELIVERY} SET next_try_at = NULL WHERE id = {{delivery}}",
        {12: "delivery {delivery}: is pending, but has no time for its next try"},
        constraint=("delivery_due_exactly_while_pending", DELIVERY),
    ),
    Planted(
        "posting_without_a_lease",
        f"UPDATE {DELIVERY} SET state = 'posting', next_try_at = NULL, tries = 1 WHERE id = {{delivery}}"
        f"{TRIED} NULL, '')",
        {12: "delivery {delivery}: is posting, but has no lease"},
        constraint=("delivery_leased_exactly_while_posting", DELIVERY),
    ),
    Planted(
        "delivery_without_a_time_of_its_end",
        f"UPDATE {DELIVERY} SET state = 'cancelled', next_try_at = NULL, end_reason = 'x' WHERE id = {{delivery}}",
        {12: "delivery {delivery}: is cancelled, but has no time of its end"},
        constraint=("delivery_ended_at_iff_ended", DELIVERY),
    ),
    Planted(
        "rejected_without_a_reason",
        f"{ENDED} 'rejected' WHERE id = {{delivery}}",
        {12: "delivery {delivery}: is rejected, but has no reason"},
    ),
    Planted(
        "accepted_by_nobody",
        f"{ENDED} 'accepted' WHERE id = {{delivery}}",
        {12: "delivery {delivery}: is accepted, but none of its tries was"},
    ),
    Planted(
        "rejected_though_it_may_have_arrived",
        f"{ENDED} 'rejected', end_reason = 'unreachable', tries = 1 WHERE id = {{delivery}}{TRIED} now(), 'unknown')",
        {12: "delivery {delivery}: is rejected, but none of its tries was, and the buyer may have it"},
    ),
    Planted(
        "delivery_goes_on_after_an_acceptance",
        f"UPDATE {DELIVERY} SET tries = 1 WHERE id = {{delivery}}{TRIED} now(), 'accepted')",
        {12: "delivery {delivery}: is pending, but a try of it was accepted"},
    ),
    Planted(
        "try_without_an_outcome",
        f"UPDATE {DELIVERY} SET tries = 1 WHERE id = {{delivery}}{TRIED} NULL, '')",
        {12: "delivery {delivery}: is pending, but a try of it has no outcome"},
    ),
    Planted(
        "lost_try",
        f"UPDATE {DELIVERY} SET tries = 1 WHERE id = {{delivery}}",
        {12: "delivery {delivery}: its number of tries is 1, but 0 are recorded, up to number 0"},
    ),
    Planted(
        "delivery_of_another_lead",
        f"UPDATE {DELIVERY} SET lead_id = {{capped}} WHERE id = {{delivery}}",
        {12: "delivery {delivery}: has lead {capped}, but its sale is of another lead"},
    ),
    Planted(
        "delivery_to_another_buyer",
        f"UPDATE {DELIVERY} SET endpoint_id = {{other_endpoint}} WHERE id = {{delivery}}",
        {12: "delivery {delivery}: goes to buyer {other_buyer}, but its sale is to buyer {buyer}"},
    ),
    Planted(
        "real_sale_delivered_as_a_test",
        f"UPDATE {DELIVERY} SET is_test = TRUE WHERE id = {{delivery}}",
        {12: "delivery {delivery}: is a test delivery of a real sale"},
    ),
    Planted(
        "sale_without_a_delivery",
        f"DELETE FROM {DELIVERY} WHERE id = {{delivery}}",
        {12: "assignment {assignment}: has no delivery to endpoint"},
    ),
]
