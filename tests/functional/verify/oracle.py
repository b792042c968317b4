"""Judges invariants 1 to 6 in Python over all rows: an oracle for the findings of verify. Shares no SQL with it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any, Final

from routing.models import UNFINISHED
from tests.functional.verify.oracle_rows import Row, Rows, group
from tracing.vocabulary import RESULTS_OF_TERMINAL

CHARGES: Final = ("charge", "capture")
POOL_EVENTS: Final = ("buyer_pool_composed", "buyer_skipped", "buyer_selected")
Findings = Iterator[str]


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def judge_wallets(rows: Rows) -> Findings:
    entries = group(rows.entries, "wallet_id")
    for wallet in rows.wallets:
        own = entries.get(wallet.id, [])
        sums = list(accumulate(0 if each.kind in ("hold", "release") else each.amount_cents for each in own))
        total = sums[-1] if sums else 0
        balance, held = wallet.balance_cents, wallet.held_cents
        if balance != total:
            yield f"wallet {wallet.id}: balance is {balance} cents, but its entries sum to {total}"
        for entry, running in zip(own, sums, strict=True):
            after = entry.balance_after_cents
            if after != running:
                yield (
                    f"ledger entry {entry.id}: balance after it is {after} cents,"
                    f" but entries up to it sum to {running}"
                )
        booked, waiting = held_by_entries(own), held_by_sales(wallet, rows)
        if not held == booked == waiting:
            yield (
                f"wallet {wallet.id}: {held} cents are held, but its entries hold {booked}"
                f" and its open holds are {waiting}"
            )
        if held < 0 or balance - held + wallet.credit_limit_cents + wallet.charged_back_cents < 0:
            yield (
                f"wallet {wallet.id}: balance {balance} minus held {held}"
                f" is below the limit of -{wallet.credit_limit_cents} cents"
            )
    for buyer in rows.buyers:
        if buyer.id not in rows.buyer_of_wallet.values():
            yield f"buyer {buyer.id}: has no wallet"


def held_by_entries(entries: list[Row]) -> int:
    """Each hold adds its price, and each end of a hold takes it away."""
    holds = sum(abs(each.amount_cents) for each in entries if each.kind == "hold")
    ended = (each for each in entries if each.kind in ("capture", "release"))
    return int(holds - sum(abs(each.amount_cents) + each.released_cents for each in ended))


def held_by_sales(wallet: Row, rows: Rows) -> int:
    buyer = rows.buyer_of_wallet[wallet.id]
    return int(
        sum(
            each.price_cents
            for each in rows.assignments
            if (each.buyer_id, each.state) == (buyer, "held") and not each.is_test
        )
    )


def judge_causes(rows: Rows) -> Findings:
    for same in group(rows.entries, "idempotency_key").values():
        if len(same) > 1:
            yield f"ledger entry {same[0].id}: its cause is recorded {len(same)} times"
    for assignment, entries in group(rows.entries, "assignment_id").items():
        charged = -sum(each.amount_cents for each in entries if each.kind in CHARGES)
        refunded = sum(each.amount_cents for each in entries if each.kind == "refund")
        if assignment is not None and refunded > charged:
            yield f"assignment {assignment}: {charged} cents were charged, but {refunded} were refunded"


def judge_sales(rows: Rows) -> Findings:
    live = [each for each in rows.assignments if each.state in ("sold", "held")]
    for lead, holds in group((each for each in live if each.state == "held"), "lead_id").items():
        if len(holds) > 1:
            yield f"lead {lead}: is held for {len(holds)} buyers at once"
    for lead, sales in group(live, "lead_id").items():
        allowed = max(limit_of(sale, rows) for sale in sales)
        if len(sales) > allowed:
            yield f"lead {lead}: sold to {len(sales)} buyers, but at most {allowed} were allowed"
    for (lead, buyer), sales in group(live, "lead_id", "buyer_id").items():
        if len(sales) > 1:
            yield f"lead {lead}: sold {len(sales)} times to buyer {buyer}"


def limit_of(sale: Row, rows: Rows) -> int:
    """The most buyers that the version allowed which sold; if it is not known, the most of any version."""
    attempt = rows.attempt_of.get(sale.attempt_id)
    used = rows.definitions.get((attempt.campaign_id, attempt.config_version)) if attempt else None
    if used is not None:
        return int(used["campaign"]["max_buyers"])
    limits = [each.max_buyers for each in rows.campaigns if each.id == sale.campaign_id]
    for (campaign, _), definition in rows.definitions.items():
        if campaign == sale.campaign_id:
            limits.append(definition["campaign"]["max_buyers"])
    return int(max(limits))


def judge_charges(rows: Rows) -> Findings:
    charges = group((each for each in rows.entries if each.kind in CHARGES), "assignment_id")
    entries_of = group(rows.entries, "assignment_id")
    for sale in (each for each in rows.assignments if not each.is_test):
        was_charged = sale.state in ("sold", "returned")
        problem = judge_charge(sale, charges.get(sale.id, []), rows) if was_charged else ""
        if problem:
            yield f"assignment {sale.id}: {problem}"
        problem = judge_hold(sale, entries_of.get(sale.id, []), rows)
        if problem:
            yield f"assignment {sale.id}: {problem}"
    sold = {sale.id for sale in rows.assignments}
    for assignment, entries in charges.items():
        if assignment not in sold:
            yield from (f"ledger entry {each.id}: is a charge without an assignment" for each in entries)


def judge_charge(sale: Row, charges: list[Row], rows: Rows) -> str:
    if len(charges) != 1:
        return f"was charged {len(charges)} times" if charges else "was never charged"
    [charge] = charges
    payer, charged = rows.buyer_of_wallet[charge.wallet_id], -charge.amount_cents
    if payer != sale.buyer_id:
        return f"was sold to buyer {sale.buyer_id}, but buyer {payer} was charged"
    return (
        f"costs {sale.price_cents} cents, but {charged} were charged" if charged != sale.price_cents else ""
    )


def judge_hold(sale: Row, entries: list[Row], rows: Rows) -> str:
    """A hold ends once: captured if the lead was sold, released if it was rejected, and not at all while it waits."""
    number = Counter(each.kind for each in entries)
    of_hold = [each for each in entries if each.kind in ("hold", "release")]
    payers = {rows.buyer_of_wallet[each.wallet_id] for each in entries if each.kind != "refund"}
    is_open_or_rejected = sale.state in ("held", "rejected")
    if is_open_or_rejected and number["charge"] + number["capture"]:
        return f"is {sale.state}, but was charged"
    if is_open_or_rejected and number["hold"] != 1:
        return f"is {sale.state}, but has {number['hold']} holds"
    if number["release"] != int(sale.state == "rejected"):
        return f"is {sale.state}, but its hold was released {number['release']} times"
    if not is_open_or_rejected and number["capture"] != number["hold"]:
        return f"has {number['hold']} holds, but {number['capture']} captures"
    if (sale.settled_at is not None) != (number["hold"] > 0 and sale.state != "held"):
        return "has a state that does not fit the end of its hold"
    if number["hold"] and payers != {sale.buyer_id}:
        return "has a hold in the wallet of another buyer"
    held = sale.price_cents + sum(each.released_cents for each in entries)
    if any(abs(each.amount_cents) != held for each in of_hold):
        return f"costs {sale.price_cents} cents, but its hold has another amount"
    return ""


def freed_of(sale: Row, rows: Rows) -> int:
    """What a capture left of its hold."""
    return sum(int(each.released_cents) for each in rows.entries if each.assignment_id == sale.id)


def judge_refunds(rows: Rows) -> Findings:
    refunds = [each for each in rows.entries if each.kind == "refund"]
    refunded = Counter[Any]()
    buyers = {sale.id: sale.buyer_id for sale in rows.assignments}
    for refund in refunds:
        refunded[refund.assignment_id] += refund.amount_cents
        buyer = rows.buyer_of_wallet[refund.wallet_id]
        if buyers.get(refund.assignment_id) != buyer:
            yield f"ledger entry {refund.id}: refunds buyer {buyer}, who did not buy the lead"
    for sale in rows.assignments:
        if sale.state == "returned" and not sale.is_test and refunded[sale.id] != sale.price_cents:
            yield (
                f"assignment {sale.id}: was returned, but {refunded[sale.id]} of {sale.price_cents} cents"
                " were refunded"
            )


def judge_leads(rows: Rows) -> Findings:
    sales = group(rows.assignments, "lead_id")
    for lead in rows.leads:
        is_claimed = lead.status == "calling" and lead.locked_at is not None and lead.locked_by
        is_due = lead.next_attempt_at is not None
        has_another_wait = lead.status in ("posting", "gated")
        if lead.status in UNFINISHED and not has_another_wait and not is_due and not is_claimed:
            yield f"lead {lead.id}: is {lead.status}, but has no due time and no claim"
        if lead.status not in UNFINISHED and is_due:
            yield f"lead {lead.id}: is {lead.status}, but has a due time"
        own = sales.get(lead.id, [])
        live = sum(sale.state == "sold" for sale in own)
        held = sum(sale.state == "held" for sale in own)
        ever = sum(sale.state in ("sold", "returned") for sale in own)
        if lead.status in ("distributed", "returned") and not ever:
            yield f"lead {lead.id}: is {lead.status}, but was never sold"
        elif lead.status == "distributed" and not live:
            yield f"lead {lead.id}: is distributed, but every sale was returned"
        elif lead.status == "posting" and held != 1:
            yield f"lead {lead.id}: is posting, but has {held} open holds"
        elif lead.status != "posting" and held:
            yield f"lead {lead.id}: is {lead.status}, but has an open hold"
        elif lead.is_partly_sold and not live:
            yield f"lead {lead.id}: is partly sold, but has no live sale"
        elif lead.status != "distributed" and live and not lead.is_partly_sold:
            yield f"lead {lead.id}: is {lead.status}, but has {count(live, 'live sale')}"


def judge_gated(rows: Rows) -> Findings:
    for lead in rows.leads:
        is_called = lead.status == "calling" and lead.locked_by.startswith("call:")
        if (lead.status == "gated" or is_called) and lead.id not in rows.unverified:
            yield f"lead {lead.id}: is {lead.status}, but has no open verification"


def judge_traces(rows: Rows) -> Findings:
    events = group(rows.events, "attempt_id")
    for attempt in rows.attempts:
        own = sorted(events.get(attempt.id, []), key=lambda event: event.seq)
        problem = judge_trace(attempt, own)
        if problem:
            yield f"attempt {attempt.id}: {problem}"
    for attempt_id, own in events.items():
        if attempt_id not in rows.attempt_of:
            yield f"attempt {attempt_id}: does not exist but has {count(len(own), 'event')}"
    attempts = group(rows.attempts, "lead_id")
    for lead in rows.leads:
        traced = [attempt.number for attempt in attempts.get(lead.id, [])]
        if traced and max(len(traced), *traced) > lead.attempts:
            yield (
                f"lead {lead.id}: counts {count(lead.attempts, 'attempt')}, but its trace has {len(traced)},"
                f" up to number {max(traced)}"
            )


def judge_trace(attempt: Row, events: list[Row]) -> str:
    """`events`: of the attempt, by number."""
    numbers, names = [event.seq for event in events], [event.event for event in events]
    if not events:
        return "has no events"
    if numbers != [*range(1, len(events) + 1)]:
        return f"has {count(len(events), 'event')}, numbered {numbers[0]} to {numbers[-1]}"
    if names[0] != "distribution_started" or "distribution_started" in names[1:]:
        return "does not start with distribution_started"
    ends = [event for event in events if event.event in RESULTS_OF_TERMINAL]
    if len(ends) != 1:
        return f"has {len(ends)} terminal events"
    [end] = ends
    if end is not events[-1]:
        return f"continues after its terminal event {end.event}"
    if attempt.result not in RESULTS_OF_TERMINAL[end.event] or end.outcome != attempt.result:
        return f"has result {attempt.result}, but terminal event {end.event} with outcome {end.outcome}"
    if end.skip_reason != attempt.skip_reason:
        return f"has skip reason {attempt.skip_reason}, but its terminal event has {end.skip_reason}"
    return "has events of another lead" if {event.lead_id for event in events} != {attempt.lead_id} else ""


def judge_pools(rows: Rows) -> Findings:
    events = group((each for each in rows.events if each.event in POOL_EVENTS), "attempt_id")
    accepted = {
        sale.lead_id
        for sale in rows.assignments
        if sale.settled_at is not None and sale.state in ("sold", "returned")
    }
    for attempt in rows.attempts:
        if attempt.lead_id in accepted and attempt.id not in events:
            continue  # it records the answer of a buyer's system
        definition = rows.definitions.get((attempt.campaign_id, attempt.config_version))
        problem = judge_pool(attempt, events.get(attempt.id, []), definition)
        if problem:
            yield f"attempt {attempt.id}: {problem}"


def judge_pool(attempt: Row, events: list[Row], definition: Any) -> str:
    if not events:
        return "sold the lead without composing a pool" if attempt.result == "success" else ""
    pools = sum(event.event == "buyer_pool_composed" for event in events)
    if pools != 1:
        return f"composed {pools} pools"
    if definition is None:
        return (
            f"used version {attempt.config_version} of campaign {attempt.campaign_id}, which has no snapshot"
        )
    enrolled = [int(each["buyer_id"]) for each in definition["enrollments"]]
    traced = [event.buyer_id for event in events if event.event != "buyer_pool_composed"]
    if Counter(enrolled) == Counter(traced):
        return ""
    missing = sum(buyer not in traced for buyer in enrolled)
    return f"{count(len(enrolled), 'buyer')} enrolled, but the trace has {len(traced)} ({missing} missing)"


def judge_selected(rows: Rows) -> Findings:
    traced_sales = [sale for sale in rows.assignments if sale.attempt_id in rows.attempt_of]
    sold = group(traced_sales, "attempt_id", "buyer_id")
    selected = group(
        (each for each in rows.events if each.event == "buyer_selected"), "attempt_id", "buyer_id"
    )
    for (attempt, buyer), events in selected.items():
        sales = sold.get((attempt, buyer), [])
        for event in events:
            if not sales:
                yield f"attempt {attempt}: selected buyer {buyer}, but the attempt has no assignment to it"
            prices = [sale.price_cents + freed_of(sale, rows) for sale in sales]
            for price in (each for each in prices if each != event.cost_cents):
                yield f"attempt {attempt}: selected buyer {buyer} at {event.cost_cents} cents and sold at {price}"
    for (attempt, buyer), sales in sold.items():
        if (attempt, buyer) not in selected:
            yield from (f"attempt {attempt}: sold to buyer {buyer}, which it did not select" for _ in sales)


CHECKS: Final[Mapping[int, tuple[Callable[[Rows], Findings], ...]]] = {
    1: (judge_wallets, judge_causes),
    2: (judge_sales,),
    3: (judge_charges, judge_refunds),
    4: (judge_leads, judge_gated),
    5: (judge_traces,),
    6: (judge_pools, judge_selected),
}


def judge() -> dict[int, list[str]]:
    """The expected findings by invariant, from 1 to 6, sorted. An invariant that holds is left out."""
    rows = Rows()
    found = {
        number: sorted(text for check in checks for text in check(rows)) for number, checks in CHECKS.items()
    }
    return {number: messages for number, messages in found.items() if messages}


def select_judged(found: Mapping[int, list[str]]) -> dict[int, list[str]]:
    """The findings of verify for the invariants that `judge` knows, sorted."""
    return {number: sorted(messages) for number, messages in found.items() if number in CHECKS}
