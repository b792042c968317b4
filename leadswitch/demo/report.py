"""Prints the demo's summary for a person."""

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from leadswitch.demo.summary import Summary
from leadswitch.demo.tries import show_tries
from tracing.skip_reasons import SKIP_REASONS


def print_report(summary: Summary, *, traces: Mapping[str, str], verdict: str, console: Console) -> None:
    """Print outcomes, money, speed, one trace of each kind, the invariants and the next steps."""
    console.print(_outcomes(summary))
    console.print(_campaigns(summary))
    console.print(_money(summary))
    console.print(_routed(summary))
    _print_speed(summary, console)
    _print_trace("Sold when the buyer's system accepts", "\n".join(show_tries(summary.tries)), console)
    _print_trace("A lead that was sold", traces.get("distributed", ""), console)
    _print_trace("A lead that was not sold", traces.get("failed", ""), console)
    _print_trace("An auction with its bids", traces.get("auction", ""), console)
    _print_trace("An offer that a buyer claimed", traces.get("claimed", ""), console)
    _print_trace("An offer that ran out", traces.get("over", ""), console)
    _print_trace(
        "A wallet that fills itself, until the card is declined", traces.get("recharge", ""), console
    )
    _print_trace("Called before they are sold", traces.get("calls", ""), console)
    _print_trace("A partner's lead that a rule routed", traces.get("routed", ""), console)
    _print_trace("A lead that came in twice", traces.get("duplicate", ""), console)
    console.print()
    console.print(escape(verdict), soft_wrap=True, highlight=False)
    console.print()
    console.print(
        "Look around: make up, then log in at http://127.0.0.1:8000/admin/ (address and login are printed)."
    )
    console.print("Explain a lead: .venv/bin/python manage.py explain LEAD [--buyer BUYER]")


def _outcomes(summary: Summary) -> Table:
    table = Table(
        title=f"Outcomes of {summary.leads:,} leads that came in at workspace {summary.workspace}",
        title_justify="left",
    )
    table.add_column("outcome")
    table.add_column("leads", justify="right")
    table.add_column("reason")
    for outcome in summary.outcomes:
        reason = SKIP_REASONS.get(outcome.reason)
        sentence = f"{outcome.reason}: {reason.sentence}" if reason else ""
        label = "pending (due later)" if outcome.status == "pending" else outcome.status
        table.add_row(label, f"{outcome.leads:,}", sentence)
    return table


def _campaigns(summary: Summary) -> Table:
    others = f", with {summary.partner_leads:,} leads of {summary.partner}" if summary.partner_leads else ""
    table = Table(title=f"Sold by campaign{others}", title_justify="left")
    table.add_column("campaign")
    table.add_column("mode")
    for column in ("leads", "sales", "credits"):
        table.add_column(column, justify="right")
    for sales in summary.campaigns:
        table.add_row(
            sales.campaign, sales.mode, f"{sales.leads:,}", f"{sales.assignments:,}", _dollars(sales.cents)
        )
    return table


def _money(summary: Summary) -> Table:
    table = Table(title="Money moved", title_justify="left")
    table.add_column("kind")
    table.add_column("entries", justify="right")
    table.add_column("credits", justify="right")
    table.add_column("of the balance", justify="right")
    for movement in summary.money:
        cents, changed = _dollars(movement.cents), _dollars(movement.balance_cents)
        table.add_row(movement.kind, f"{movement.entries:,}", cents, changed)
    left_cents = sum(movement.balance_cents for movement in summary.money)
    table.add_row("left in wallets", "", "", _dollars(left_cents))
    return table


def _routed(summary: Summary) -> Table:
    leads = sum(each.leads for each in summary.routed)
    table = Table(title=f"Where rules sent {leads:,} leads of {summary.partner}", title_justify="left")
    table.add_column("workspace")
    table.add_column("rule")
    for column in ("leads", "sold", "duplicates caught"):
        table.add_column(column, justify="right")
    for each in summary.routed:
        counts = (f"{number:,}" for number in (each.leads, each.sold, each.duplicates))
        table.add_row(each.destination, each.rule or "no rule: stays", *counts)
    return table


def _print_speed(summary: Summary, console: Console) -> None:
    times = summary.decisions
    console.print(
        f"Decision time over {times.attempts:,} attempts: "
        f"p50 {times.p50_ms} ms, p95 {times.p95_ms} ms, p99 {times.p99_ms} ms. "
        f"All leads sent in {summary.sending_seconds} s, tried by {summary.trying_seconds} s."
    )


def _print_trace(title: str, trace: str, console: Console) -> None:
    if trace:
        console.rule(title, align="left")
        console.print(escape(trace), soft_wrap=True, highlight=False)


def _dollars(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"
