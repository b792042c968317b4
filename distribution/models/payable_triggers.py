"""Triggers that write what is owed to a source, in the transaction of the sale or refund that causes it.

They are in the database so that every path is covered: sales by the engine and by hand, direct posts, returns, refunds.

What is owed for a lead is a function of its sales under a contract, of what was charged for them and of what is left of
the charges. Each entry is the difference to the lead's earlier entries:

- share: by version, the share of what is left of all charges of the lead, rounded half to even once.
- fixed: the amount of the lead's first such sale, in proportion to the sale of which most is left, rounded half to
  even. So a lead pays once for all its buyers, and nothing is deducted while one buyer keeps it.
"""

from typing import Final

import pgtrigger


def _half_even(number: str, divisor: str) -> str:
    """The quotient of two bigints that are not negative, rounded half to even."""
    return (
        f"{number} / {divisor} + CASE WHEN 2 * ({number} % {divisor}) > {divisor}"
        f" OR (2 * ({number} % {divisor}) = {divisor} AND ({number} / {divisor}) % 2 = 1) THEN 1 ELSE 0 END"
    )


def _entry_amount(*, bound: str, other_sale: str = "") -> str:
    """Common table expressions that end in `entry.cents`: what the entry adds to the lead's earlier ones.

    `sold_lead` is a variable. The bound keeps the sign of the entry's kind: an older difference, which `verify`
    reports, must not stop a sale or a refund.
    """
    return f"""
        paid_sale AS (
            SELECT e.assignment_id, e.contract_id FROM distribution_payableentry e
            WHERE e.lead_id = sold_lead AND e.kind = 'earned'
            {other_sale}
        ), sale AS (
            SELECT a.id, c.id AS contract_id, c.pays, c.share_bps, c.amount_cents, a.price_cents,
                CASE
                    WHEN NOT c.returns_deducted THEN a.price_cents
                    ELSE GREATEST(0, a.price_cents - COALESCE((
                        SELECT SUM(r.amount_cents) FROM distribution_ledgerentry r
                        WHERE r.assignment_id = a.id AND r.kind = 'refund'
                    ), 0))::bigint
                END AS left_cents,
                NOT (c.returns_deducted AND a.state = 'returned') AS is_kept
            FROM paid_sale p
            JOIN distribution_assignment a ON a.id = p.assignment_id
            JOIN distribution_sourcecontract c ON c.id = p.contract_id
        ), share AS (
            SELECT {_half_even("part", "10000")} AS cents FROM (
                SELECT (share_bps * SUM(left_cents))::bigint AS part FROM sale
                WHERE pays = 'share' GROUP BY contract_id, share_bps
            ) version
        ), most AS (
            SELECT MAX({_half_even("part", "whole")}) AS cents FROM (
                SELECT first.amount_cents * CASE WHEN price_cents > 0 THEN left_cents ELSE is_kept::int END AS part,
                    GREATEST(price_cents, 1) AS whole
                FROM sale, (
                    SELECT amount_cents FROM sale WHERE pays = 'fixed' ORDER BY id LIMIT 1
                ) first
                WHERE pays = 'fixed'
            ) fixed
        ), entry AS (
            SELECT {bound}(0, COALESCE((SELECT SUM(cents) FROM share), 0) + COALESCE((SELECT cents FROM most), 0)
                - COALESCE((
                    SELECT SUM(amount_cents) FROM distribution_payableentry
                    WHERE lead_id = sold_lead AND kind IN ('earned', 'deducted')
                ), 0)) AS cents
        )
    """  # noqa: S608 - only constant expressions are put in


# Two refunds of one lead that hold different wallets would both see the same earlier entries.
_LOCK_LEAD: Final = """
    PERFORM 1 FROM distribution_payableentry
    WHERE lead_id = sold_lead AND kind = 'earned' ORDER BY id FOR NO KEY UPDATE;
"""

_EARN: Final = f"""
    SELECT l.id, l.source_id, c.id INTO sold_lead, paid_source, version
    FROM routing_lead l
    CROSS JOIN LATERAL (
        SELECT id, pays FROM distribution_sourcecontract
        WHERE source_id = l.source_id AND starts_at <= NEW.created_at
        ORDER BY starts_at DESC, id DESC LIMIT 1
    ) c
    WHERE l.id = NEW.lead_id AND c.pays <> 'nothing';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    {_LOCK_LEAD}
    WITH {_entry_amount(bound="GREATEST", other_sale="UNION SELECT NEW.id, version")}
    INSERT INTO distribution_payableentry (
        source_id, kind, amount_cents, idempotency_key, lead_id, assignment_id, contract_id, actor, reason
    )
    SELECT paid_source, 'earned', cents, 'earned:' || NEW.public_id, sold_lead, NEW.id, version, 'engine', ''
    FROM entry
    ON CONFLICT (idempotency_key) DO NOTHING;
    RETURN NULL;
"""  # noqa: S608 - only constant expressions are put in


def _deduct(*, assignment: str, key: str, actor: str, reason: str) -> str:
    return f"""
    SELECT lead_id, source_id, contract_id INTO sold_lead, paid_source, version
    FROM distribution_payableentry WHERE assignment_id = {assignment} AND kind = 'earned';
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    {_LOCK_LEAD}
    WITH {_entry_amount(bound="LEAST")}
    INSERT INTO distribution_payableentry (
        source_id, kind, amount_cents, idempotency_key, lead_id, assignment_id, contract_id, actor, reason
    )
    SELECT paid_source, 'deducted', cents, 'deducted:' || {key}, sold_lead, {assignment}, version, {actor}, {reason}
    FROM entry
    ON CONFLICT (idempotency_key) DO NOTHING;
    RETURN NULL;
"""  # noqa: S608 - only constant expressions are put in


_VARIABLES: Final = [("sold_lead", "bigint"), ("paid_source", "bigint"), ("version", "bigint")]


def earn_triggers() -> list[pgtrigger.Trigger]:
    """Of assignments: a sale earns when it is made, or when a held one is accepted. A held one earns nothing, nor
    does a test sale.

    A refund deducts. A returned sale for $0.00 has no refund, so its new state deducts.
    """
    return [
        pgtrigger.Trigger(
            name="payable_for_sale",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            condition=pgtrigger.Condition("(NEW.state = 'sold' AND NOT NEW.is_test)"),
            declare=_VARIABLES,
            func=_EARN,
        ),
        pgtrigger.Trigger(
            name="payable_for_accepted",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf("state"),
            condition=pgtrigger.Condition("(OLD.state = 'held' AND NEW.state = 'sold' AND NOT NEW.is_test)"),
            declare=_VARIABLES,
            func=_EARN,
        ),
        pgtrigger.Trigger(
            name="payable_for_free_return",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf("state"),
            condition=pgtrigger.Condition(
                "(OLD.state = 'sold' AND NEW.state = 'returned' AND NEW.price_cents = 0)"
            ),
            declare=_VARIABLES,
            func=_deduct(
                assignment="NEW.id", key="'return:' || NEW.public_id", actor="'engine'", reason="''"
            ),
        ),
    ]


def deduct_trigger() -> pgtrigger.Trigger:
    """Of ledger entries: each refund of a sale deducts."""
    return pgtrigger.Trigger(
        name="payable_for_refund",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition("(NEW.kind = 'refund' AND NEW.assignment_id IS NOT NULL)"),
        declare=_VARIABLES,
        func=_deduct(
            assignment="NEW.assignment_id", key="'refund:' || NEW.id", actor="NEW.actor", reason="NEW.reason"
        ),
    )


def never_backwards_trigger() -> pgtrigger.Trigger:
    """Refuse a version that starts in the past, unless its source has sent no lead yet.

    The source's lock keeps a first lead out until the version is committed. The refusal is a check violation named
    contract_not_backwards.
    """
    return pgtrigger.Trigger(
        name="contract_not_backwards",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func="""
            PERFORM 1 FROM routing_source WHERE id = NEW.source_id FOR UPDATE;
            IF NEW.starts_at <= clock_timestamp()
                AND EXISTS (SELECT 1 FROM routing_lead WHERE source_id = NEW.source_id) THEN
                RAISE EXCEPTION 'A contract cannot start in the past. Let it start later.'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_not_backwards', TABLE = TG_TABLE_NAME;
            END IF;
            RETURN NEW;
        """,
    )
