"""Damage by SQL, and the findings that verify must report."""

from tests.functional.verify.damage import Planted
from tests.functional.verify.planted_deliveries import DAMAGED_DELIVERIES

EVENTS = "tracing_leaddistributionevent"
LEDGER = "distribution_ledgerentry"
ASSIGNMENT = "distribution_assignment"
PAYABLE = "distribution_payableentry"
RETURN = "distribution_returnrequest"
STATEMENT = """
INSERT INTO distribution_buyerstatement (workspace_id, wallet_id, number, month, timezone, starts_at, ends_at,
    after_entry_id, last_entry_id, buyer_name, workspace_name, opening_cents, leads, charged_cents, refunded_cents,
    topped_up_cents, adjusted_cents, card_refunded_cents, charged_back_cents, won_back_cents, closing_cents, held_cents,
    credit_limit_cents, due_cents, due_on, due_at, details, issued_at, issued_by)
SELECT b.workspace_id, w.id, 1, '2026-01-01', 'UTC', '2026-01-01', '2026-02-01', 0, 0, '', '', 0, 0, {charged}, 0,
    0, 0, 0, 0, 0, {charged}, 0, 0, -({charged}), '2026-02-01', '2026-02-02', '{details}', now(), 'x'
FROM distribution_wallet w JOIN distribution_buyer b ON b.id = w.buyer_id WHERE w.id = {{wallet}}
"""
# Both months say that nothing moved. The second one begins before the first one ends.
OVERLAPPING = """
INSERT INTO distribution_buyerstatement (workspace_id, wallet_id, number, month, timezone, starts_at, ends_at,
    after_entry_id, last_entry_id, buyer_name, workspace_name, opening_cents, leads, charged_cents, refunded_cents,
    topped_up_cents, adjusted_cents, card_refunded_cents, charged_back_cents, won_back_cents, closing_cents, held_cents,
    credit_limit_cents, due_cents, due_on, due_at, details, issued_at, issued_by)
SELECT b.workspace_id, w.id, n, m.month, 'UTC', m.month, m.month + interval '1 month', m.after, m.last, '', '',
    w.balance_cents, 0, 0, 0, 0, 0, 0, 0, 0, w.balance_cents, 0, 0, greatest(0, -w.balance_cents), '2026-04-01',
    '2026-04-02', '{{"campaigns": [], "movements": []}}', now(), 'x'
FROM distribution_wallet w JOIN distribution_buyer b ON b.id = w.buyer_id
CROSS JOIN (SELECT max(id) AS id FROM distribution_ledgerentry) newest
CROSS JOIN LATERAL (VALUES (1, date '2026-01-01', newest.id, newest.id + 2), (2, date '2026-02-01', newest.id + 1,
    newest.id + 3)) m (n, month, after, last)
WHERE w.id = {wallet}
"""
NO_LINES = '{{{{"campaigns": [], "movements": []}}}}'
A_LINE = (
    '{{{{"campaigns": [], "movements": [{{{{"entry_id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d99", "kind": "topup",'
    ' "amount_cents": 5}}}}]}}}}'
)
PLANTED = [
    Planted(
        "statement_of_other_sums",
        STATEMENT.format(charged=-700, details=NO_LINES.format()),
        {15: "has charges of -700 cents, but its entries have 0"},
    ),
    Planted(
        "statement_with_an_invented_line",
        STATEMENT.format(charged=0, details=A_LINE.format()),
        {15: "lists movements that are no entries of its month: 1"},
    ),
    Planted(
        "statements_of_months_that_overlap",
        OVERLAPPING,
        {15: "but the one before ends with"},
    ),
    Planted(
        "balance_without_entry",
        "UPDATE distribution_wallet SET balance_cents = balance_cents + 7 WHERE id = {wallet}",
        {1: "wallet {wallet}: balance", 14: "wallet {wallet}: balance"},
    ),
    Planted(
        "running_balance",
        f"UPDATE {LEDGER} SET balance_after_cents = balance_after_cents - 1 WHERE id = {{charge}}",
        {1: "ledger entry {charge}: balance after it"},
    ),
    Planted(
        "below_limit",
        "UPDATE distribution_wallet SET held_cents = balance_cents + 1 WHERE id = {wallet}",
        {1: "wallet {wallet}: balance {balance} minus held"},  # and its holds sum to another amount
        constraint=("wallet_not_below_limit", "distribution_wallet"),
    ),
    Planted(
        "no_wallet",
        "INSERT INTO distribution_buyer (public_id, workspace_id, name, timezone, service_area, answers, hours)"
        " SELECT gen_random_uuid(), workspace_id, 'new', 'UTC', '{{}}', '{{}}', '{{}}' FROM distribution_buyer"
        " WHERE id = {buyer}",
        {1: "has no wallet"},
    ),
    Planted(
        "key_twice",
        f"UPDATE {LEDGER} SET idempotency_key = 'twice' WHERE kind = 'topup' AND wallet_id IN"
        " (SELECT id FROM distribution_wallet WHERE buyer_id IN ({buyer}, {other_buyer}))",
        {1: "its cause is recorded 2 times"},
        constraint=(f"{LEDGER}_idempotency_key_key", LEDGER),
    ),
    Planted(
        "refund_above_charge",
        f"INSERT INTO {LEDGER} (wallet_id, kind, amount_cents, balance_after_cents, idempotency_key, assignment_id,"
        " actor, reason) SELECT {wallet}, 'refund', 3000, {balance} + 3000, 'planted', {assignment}, 'x', '';"
        " UPDATE distribution_wallet SET balance_cents = balance_cents + 3000 WHERE id = {wallet}",
        {
            1: "assignment {assignment}: 2500 cents were charged, but 3000 were refunded",
            10: "assignment {assignment} has 0 entries of the kind deducted and not 1",
        },
    ),
    Planted(
        "above_max_buyers",
        "UPDATE distribution_campaignsnapshot SET config = jsonb_set(config, '{{campaign,max_buyers}}', '1')",
        {2: "sold to 2 buyers, but at most 1 were allowed", 7: "recorded a pool with a different funnel"},
    ),
    Planted(
        "sold_twice_to_one",
        f"UPDATE {ASSIGNMENT} SET buyer_id = {{buyer}} WHERE lead_id = {{sold}}",
        {
            2: "lead {sold}: sold 2 times to buyer {buyer}",
            3: "but buyer",
            6: "has no assignment to it",
            8: "its sales are",
            12: "but its sale is to buyer {buyer}",
            14: "and payments",
        },
        constraint=("assignment_lead_buyer_once", ASSIGNMENT),
    ),
    Planted(
        "never_charged",
        f"DELETE FROM {LEDGER} WHERE id = {{charge}};"
        f"UPDATE {LEDGER} SET balance_after_cents = balance_after_cents + 2500"
        " WHERE wallet_id = {wallet} AND id > {charge};"
        "UPDATE distribution_wallet SET balance_cents = balance_cents + 2500 WHERE id = {wallet}",
        {3: "assignment {assignment}: was never charged", 14: "sum to 2500 cents and not to 0"},
    ),
    Planted(
        "charged_otherwise",
        f"UPDATE {ASSIGNMENT} SET price_cents = 2499 WHERE id = {{assignment}}",
        {
            3: "assignment {assignment}: costs 2499 cents, but 2500 were charged",
            6: "at 2500 cents and sold at 2499",
        }
        | {8: "its sales are", 14: "sum to -1 cents and not to 0"},
    ),
    Planted(
        "charge_for_nothing",
        f"UPDATE {LEDGER} SET assignment_id = 0 WHERE id = {{charge}}",
        {3: "ledger entry {charge}: is a charge without an assignment"},
    ),
    Planted(
        "returned_without_refund",
        f"UPDATE {ASSIGNMENT} SET state = 'returned', returned_at = now() WHERE id = {{assignment}}",
        {3: "assignment {assignment}: was returned, but 0 of 2500 cents were refunded"},
    ),
    Planted(
        "refund_to_another",
        f"UPDATE {LEDGER} SET assignment_id = {{assignment}} WHERE kind = 'refund'",
        {
            3: "who did not buy the lead",
            10: "has 0 entries of the kind deducted and not 1",
            11: "which is no refund of its assignment",
        },
    ),
    Planted(
        "forgotten",
        "UPDATE routing_lead SET next_attempt_at = NULL WHERE id = {capped}",
        {4: "lead {capped}: is pending, but has no due time and no claim"},
        constraint=("lead_due_exactly_while_pending", "routing_lead"),
    ),
    Planted(
        "calling_without_a_call",
        "UPDATE routing_lead SET status = 'calling', next_attempt_at = NULL WHERE id = {capped}",
        {4: "lead {capped}: is calling, but has no due time and no claim"},
        constraint=("lead_locked_exactly_while_calling", "routing_lead"),
    ),
    Planted(
        "finished_and_due",
        "UPDATE routing_lead SET next_attempt_at = now() WHERE id = {sold}",
        {4: "lead {sold}: is distributed, but has a due time"},
        constraint=("lead_due_exactly_while_pending", "routing_lead"),
    ),
    Planted(
        "distributed_to_nobody",
        "UPDATE routing_lead SET status = 'distributed' WHERE id = {homeless}",
        {4: "lead {homeless}: is distributed, but was never sold"},
    ),
    Planted(
        "sold_and_failed",
        "UPDATE routing_lead SET status = 'failed' WHERE id = {sold}",
        {4: "lead {sold}: is failed, but has 2 live sales"},
    ),
    Planted(
        "hole",
        f"UPDATE {EVENTS} SET seq = seq + 1 WHERE attempt_id = '{{homeless_attempt}}' AND seq = 2",
        {5: "attempt {homeless_attempt}: has 2 events, numbered 1 to 3"},
    ),
    Planted(
        "wrong_start",
        f"UPDATE {EVENTS} SET event = 'campaign_resolved' WHERE attempt_id = '{{attempt}}' AND seq = 1",
        {5: "attempt {attempt}: does not start with distribution_started"},
    ),
    Planted(
        "no_end",
        f"DELETE FROM {EVENTS} WHERE attempt_id = '{{homeless_attempt}}' AND event = 'failed'",
        {5: "attempt {homeless_attempt}: has 0 terminal events"},
    ),
    Planted(
        "two_ends",
        f"UPDATE {EVENTS} SET event = 'distributed' WHERE attempt_id = '{{attempt}}' AND event = 'pricing_computed'",
        {5: "attempt {attempt}: has 2 terminal events"},
    ),
    Planted(
        "goes_on",
        f"UPDATE {EVENTS} SET event = CASE event WHEN 'distributed' THEN 'pricing_computed' ELSE 'distributed' END,"
        " outcome = 'success' WHERE attempt_id = '{attempt}' AND event IN ('distributed', 'pricing_computed')",
        {5: "attempt {attempt}: continues after its terminal event distributed"},
    ),
    Planted(
        "result_of_another_end",
        "UPDATE tracing_attempt SET result = 'posting' WHERE id = '{homeless_attempt}'",
        {5: "attempt {homeless_attempt}: has result posting, but terminal event failed with outcome unsold"},
    ),
    Planted(
        "reason_of_another_end",
        "UPDATE tracing_attempt SET skip_reason = 'lead_expired' WHERE id = '{homeless_attempt}'",
        {
            5: "attempt {homeless_attempt}: has skip reason lead_expired, but its terminal event has no_campaign"
        },
    ),
    Planted(
        "events_of_another_lead",
        f"UPDATE {EVENTS} SET lead_id = {{capped}} WHERE attempt_id = '{{homeless_attempt}}' AND seq = 1",
        {5: "attempt {homeless_attempt}: has events of another lead"},
    ),
    Planted(
        "no_events",
        f"DELETE FROM {EVENTS} WHERE attempt_id = '{{homeless_attempt}}'",
        {5: "attempt {homeless_attempt}: has no events"},
    ),
    Planted(
        "no_attempt",
        "DELETE FROM tracing_attempt WHERE id = '{homeless_attempt}'",
        {5: "attempt {homeless_attempt}: does not exist but has 2 events"},
    ),
    Planted(
        "more_attempts_than_counted",
        "UPDATE routing_lead SET attempts = 0 WHERE id = {homeless}",
        {5: "lead {homeless}: counts 0 attempts, but its trace has 1, up to number 1"},
    ),
    Planted(
        "buyer_left_out",
        f"UPDATE {EVENTS} SET buyer_id = 0 WHERE attempt_id = '{{capped_attempt}}' AND event = 'buyer_skipped'"
        " AND buyer_id = {buyer}",
        {6: "attempt {capped_attempt}: 3 buyers enrolled, but the trace has 3 (1 missing)"}
        | {7: "recorded buyer_skipped buyer 0"},
    ),
    Planted(
        "buyer_listed_twice",
        f"UPDATE {EVENTS} SET buyer_id = {{buyer}} WHERE attempt_id = '{{capped_attempt}}' AND event = 'buyer_skipped'"
        " AND buyer_id = {other_buyer}",
        {6: "attempt {capped_attempt}: 3 buyers enrolled, but the trace has 3 (1 missing)"}
        | {7: "recorded buyer_skipped buyer {buyer}"},
    ),
    Planted(
        "sold_without_a_pool",
        f"UPDATE {EVENTS} SET event = 'pricing_computed' WHERE attempt_id = '{{attempt}}' AND seq > 1"
        " AND event LIKE 'buyer%%'",
        {6: "attempt {attempt}: sold the lead without composing a pool", 7: "recorded 0 steps of the pool"},
    ),
    Planted(
        "no_snapshot",
        "DELETE FROM distribution_campaignsnapshot",
        {6: "used version {version} of campaign {campaign}, which has no snapshot"}
        | {7: "used version {version} of campaign {campaign}, which has no snapshot"},
    ),
    Planted(
        "selected_not_sold",
        f"UPDATE {ASSIGNMENT} SET attempt_id = '{{capped_attempt}}' WHERE id = {{assignment}}",
        {6: "attempt {capped_attempt}: sold to buyer {buyer}, which it did not select"},
    ),
    Planted(
        "price_not_as_decided",
        f"UPDATE {EVENTS} SET cost_cents = 1 WHERE attempt_id = '{{attempt}}' AND event = 'buyer_selected'"
        " AND buyer_id = {buyer}",
        {6: "selected buyer {buyer} at 1 cents and sold at 2500"}
        | {7: "recorded buyer_selected buyer {buyer} at 1 cents, now decides"},
    ),
    Planted(
        "other_facts",
        "UPDATE tracing_attempt SET facts = jsonb_set(facts, '{{live,{enrollment},0}}', '0') WHERE id = '{attempt}'",
        {7: "attempt {attempt}: recorded a pool with a different funnel"},
    ),
    Planted(
        "other_reason",
        f"UPDATE {EVENTS} SET skip_reason = 'buyer_paused' WHERE attempt_id = '{{capped_attempt}}'"
        " AND event = 'buyer_skipped' AND buyer_id = {buyer}",
        {7: "recorded buyer_skipped buyer {buyer} at 2500 cents buyer_paused, now decides buyer_skipped"},
    ),
    Planted(
        "other_verdict",
        f"UPDATE {EVENTS} SET skip_reason = 'no_eligible_buyers' WHERE attempt_id = '{{capped_attempt}}'"
        " AND event = 'failed'; UPDATE tracing_attempt SET skip_reason = 'no_eligible_buyers'"
        " WHERE id = '{capped_attempt}'",
        {7: "recorded deferred no_eligible_buyers, now decides deferred all_buyers_capped"},
    ),
    Planted(
        "other_due_time",
        "UPDATE tracing_attempt SET next_attempt_at = next_attempt_at + interval '1 s' WHERE id = '{capped_attempt}'",
        {7: "attempt {capped_attempt}: was rescheduled to"},
    ),
    Planted(
        "no_facts",
        "UPDATE tracing_attempt SET facts = '{{}}' WHERE id = '{attempt}'",
        {7: "attempt {attempt}: decided on a pool but recorded no facts"},
    ),
    Planted(
        "unreadable_facts",
        "UPDATE tracing_attempt SET facts = facts || '{{\"lead\": 1}}' WHERE id = '{attempt}'",
        {7: "attempt {attempt}: its facts cannot be replayed ("},
    ),
    Planted(
        "counter_lost_a_sale",
        "UPDATE distribution_enrollment SET day_leads = day_leads - 1 WHERE id = {enrollment}",
        {
            8: "enrollment {enrollment}: counts 1 lead and 5000 cents this day, but its sales are 2 for 5000 cents"
        },
    ),
    Planted(
        "counter_without_a_sale",
        "UPDATE distribution_enrollment SET month_leads = month_leads + 1 WHERE id = {enrollment}",
        {8: "enrollment {enrollment}: counts 3 leads and 5000 cents this month"},
    ),
    Planted(
        "counter_forgot_its_window",
        "UPDATE distribution_enrollment SET counted_on = counted_on - 7 WHERE id = {enrollment}",
        {
            8: "enrollment {enrollment}: counts 0 leads and 0 cents this week, but its sales are 2 for 5000 cents"
        },
    ),
    Planted(
        "personal_value_in_facts",
        "UPDATE tracing_attempt SET facts = jsonb_set(facts, '{{lead,fields}}', facts #> '{{lead,fields}}'"
        " || '{{\"attributes.contact\": \"FULTON\"}}') WHERE id = '{attempt}'",
        {
            9: "attempt {attempt} facts: lead.fields.attributes.contact holds a name or the address of the lead"
        },
    ),
    Planted(
        "phone_in_an_event",
        f'UPDATE {EVENTS} SET data = \'{{{{"note": ["call (404) 555-0123"]}}}}\''
        " WHERE attempt_id = '{attempt}' AND seq = 1",
        {9: "attempt {attempt} event 1: note[0] holds the lead's phone number"},
    ),
    Planted(
        "phone_as_a_number",
        f"UPDATE {EVENTS} SET data = '{{{{\"observed\": 4045550123}}}}' WHERE attempt_id = '{{attempt}}' AND seq = 1",
        {9: "attempt {attempt} event 1: observed holds the lead's phone number"},
    ),
    Planted(
        "someone_elses_email",
        f'UPDATE {EVENTS} SET data = \'{{{{"observed": "<me@example.org>"}}}}\''
        " WHERE attempt_id = '{homeless_attempt}' AND seq = 1",
        {9: "attempt {homeless_attempt} event 1: observed holds an email address"},
    ),
    Planted(
        "address_inside_a_text",
        f'UPDATE {EVENTS} SET data = \'{{{{"observed": "at 12 peachtree street, 2nd floor"}}}}\''
        " WHERE attempt_id = '{attempt}' AND seq = 1",
        {9: "attempt {attempt} event 1: observed holds a name or the address of the lead"},
    ),
    Planted(
        "owed_too_much",
        f"UPDATE {PAYABLE} SET amount_cents = amount_cents + 1 WHERE assignment_id = {{assignment}}",
        {10: "lead {sold}: its contract owes 500 cents, but 501 are booked"},
    ),
    Planted(
        "sale_not_owed",
        f"DELETE FROM {PAYABLE} WHERE assignment_id = {{assignment}}",
        {10: "lead {sold}: assignment {assignment} has 0 entries of the kind earned and not 1"},
    ),
    Planted(
        "return_not_deducted",
        f"DELETE FROM {PAYABLE} WHERE kind = 'deducted'",
        {10: "assignment {returned_assignment} has 0 entries of the kind deducted and not 1"},
    ),
    Planted(
        "sale_owed_twice",
        f"INSERT INTO {PAYABLE} (source_id, kind, amount_cents, idempotency_key, lead_id, assignment_id, contract_id,"
        f" actor, reason) SELECT source_id, kind, 0, 'planted', lead_id, assignment_id, contract_id, 'x', ''"
        f" FROM {PAYABLE} WHERE assignment_id = {{assignment}}",
        {10: "assignment {assignment} has 2 entries of the kind earned and not 1"},
        constraint=("payable_one_for_each_sale", PAYABLE),
    ),
    Planted(
        "owed_to_another_source",
        f"UPDATE {PAYABLE} SET source_id = 0 WHERE assignment_id = {{assignment}}",
        {10: "belongs to another source or contract than its sale"},
    ),
    Planted(
        "return_without_refund",
        f"UPDATE {RETURN} SET refund_id = NULL WHERE id = {{return}}",
        {11: "return {return}: was approved, but has no refund"},
        constraint=("return_refund_fits", RETURN),
    ),
    Planted(
        "return_with_another_refund",
        f"UPDATE {RETURN} SET refund_id = {{charge}} WHERE id = {{return}}",
        {11: "return {return}: names ledger entry {charge}, which is no refund of its assignment"},
    ),
    Planted(
        "return_of_another_amount",
        f"UPDATE {RETURN} SET refund_cents = 1 WHERE id = {{return}}",
        {11: "return {return}: refunded 1 cents, but its ledger entry has 2500"},
    ),
    Planted(
        "open_return_with_refund",
        f"UPDATE {RETURN} SET state = 'declined' WHERE id = {{return}}",
        {11: "return {return}: is declined, but has a refund"},
        constraint=("return_state_fits", RETURN),
    ),
    Planted(
        "open_return_of_a_returned_lead",
        f"UPDATE {RETURN} SET state = 'requested', decided_at = NULL, is_full = NULL, refund_cents = NULL,"
        " refund_id = NULL WHERE id = {return}",
        {11: "return {return}: waits for review, but its assignment is returned"},
    ),
    Planted(
        "lead_kept_for_nothing",
        f"UPDATE {ASSIGNMENT} SET state = 'sold', returned_at = NULL, is_counted = true"
        f" WHERE id = {{returned_assignment}}; UPDATE {RETURN} SET is_full = false WHERE id = {{return}}",
        {
            8: "its sales are",
            11: "return {return}: left the lead with the buyer, but all of its charge is refunded",
        },
    ),
    Planted(
        "full_return_of_a_sold_lead",
        f"UPDATE {ASSIGNMENT} SET state = 'sold', returned_at = NULL, is_counted = true"
        " WHERE id = {returned_assignment}",
        {
            8: "its sales are",
            11: "return {return}: took the lead back, but its assignment is sold",
        },
    ),
    *DAMAGED_DELIVERIES,
    Planted(
        "event_without_delivery",
        "INSERT INTO distribution_event (id, kind, happened_at, buyer_id, facts)"
        " VALUES (gen_random_uuid(), 'wallet.low', now(), {buyer}, '{{}}')",
        {13: "wallet.low has no delivery"},
    ),
    Planted(
        "event_for_another_owner",
        "INSERT INTO distribution_endpoint (public_id, workspace_id, buyer_id, name, method, url, test_url, email_to,"
        " http_method, body_format, email_format, daily_at, template, headers, accept_term, accept_path,"
        " reason_path, price_path, answer_format, timeout_seconds, max_in_flight, active, disabled_reason, events)"
        " SELECT gen_random_uuid(), workspace_id, id, 'x', 'webhook', 'https://example.com/', '', '', 'POST', 'json',"
        " 'text', '06:00', '', '', '', '', '', '', '', 15, 4, true, '', '{{wallet.low}}' FROM distribution_buyer"
        " WHERE id = {other_buyer};"
        " INSERT INTO distribution_event (id, kind, happened_at, buyer_id, facts)"
        " VALUES (gen_random_uuid(), 'wallet.low', now(), {buyer}, '{{}}');"
        " INSERT INTO distribution_delivery (endpoint_id, event_id, next_try_at)"
        " SELECT t.id, e.id, now() FROM distribution_endpoint t, distribution_event e WHERE t.name = 'x'",
        {13: "of another owner"},
    ),
    Planted(
        "charge_from_a_card",
        f"UPDATE {LEDGER} SET other_account = 'card_clearing' WHERE id = {{charge}}",
        {14: "ledger entry {charge}: is of the kind charge, but its other side is card_clearing"},
        constraint=("ledger_account_fits_kind", LEDGER),
    ),
    Planted(
        "earned_without_costs",
        f"UPDATE {PAYABLE} SET other_account = 'manual_clearing' WHERE assignment_id = {{assignment}}",
        {14: "is of the kind earned, but its other side is manual_clearing"},
        constraint=("payable_account_fits_kind", PAYABLE),
    ),
    Planted(
        "payment_from_costs",
        f"INSERT INTO {PAYABLE} (source_id, kind, amount_cents, idempotency_key, actor, reason)"
        f" SELECT source_id, 'paid', -1, 'planted', 'x', 'x' FROM {PAYABLE} LIMIT 1",
        {14: "is of the kind paid, but its other side is source_costs"},
        constraint=("payable_account_fits_kind", PAYABLE),
    ),
]
