"""The summary of the demo: its columns add up, and say whose leads they count."""

from io import StringIO

from rich.console import Console

from leadswitch.demo.report import print_report
from leadswitch.demo.summary import CampaignSales, DecisionTimes, Movement, OutcomeCount, Summary


def printed(*, partner_leads: int) -> list[str]:
    summary = Summary(
        workspace="demo",
        leads=1_006,
        buyers=2,
        outcomes=(OutcomeCount("distributed", "", 425),),
        money=(
            Movement("capture", 1, -12_000),
            Movement("charge", 2, -5_000),
            Movement("hold", 1, -16_000),
            Movement("release", 1, 4_000),
            Movement("topup", 1, 100_000),
        ),
        campaigns=(CampaignSales("Roofing", "price", 460, 460, 17_000),),
        decisions=DecisionTimes(1, 1.0, 1.0, 1.0),
        partner="demo-partner",
        partner_leads=partner_leads,
        routed=(),
        tries=(),
        sending_seconds=1.0,
        trying_seconds=1.0,
    )
    out = StringIO()
    print_report(summary, traces={}, verdict="", console=Console(file=out, width=100))
    return [" ".join(line.replace("│", " ").split()) for line in out.getvalue().splitlines()]


def test_movements_of_the_balance_add_up_to_what_is_left() -> None:
    lines = printed(partner_leads=35)
    assert "capture 1 -$120.00 -$120.00" in lines
    assert "hold 1 -$160.00 $0.00" in lines
    assert "release 1 $40.00 $0.00" in lines
    assert "left in wallets $830.00" in lines


def test_sales_say_how_many_leads_a_partner_sent() -> None:
    text = " ".join(printed(partner_leads=35))
    assert "Outcomes of 1,006 leads that came in at workspace demo" in text
    assert "Sold by campaign, with 35 leads of demo-partner" in text
    assert "with 0 leads" not in " ".join(printed(partner_leads=0))
