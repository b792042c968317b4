"""`manage.py demo`: builds a workspace, sells leads through the real API and workers, and shows what happened."""

import io
import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from distribution.models import Buyer
from leadswitch.demo import auction, calls, calls_story, direct_post, offers, recharge
from leadswitch.demo.build import Demo, build_demo
from leadswitch.demo.people import make_leads, make_partner_leads
from leadswitch.demo.product import ProductNotReady, running_product
from leadswitch.demo.recharge_story import tell
from leadswitch.demo.report import print_report
from leadswitch.demo.send import SendingFailed, send_leads, wait_until_tried
from leadswitch.demo.summary import Summary, find_instructive_lead, find_routed_lead, read_summary
from leadswitch.demo.tries import read_tries
from leadswitch.fake_carrier import CarrierNotStarted
from routing.models import Lead
from tracing.parsing import number_argument

MAX_LEADS = 100_000
OWN_LEADS_PER_PARTNER_LEAD = 5
MIN_PARTNER_LEADS = 10


class Command(BaseCommand):
    help = "Build a demo workspace, send realistic leads through the real API and workers, and show what happened."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--leads",
            type=number_argument(lowest=1, highest=MAX_LEADS),
            default=1000,
            help="how many leads to send (default: 1000)",
        )
        parser.add_argument(
            "--seed",
            type=number_argument(lowest=0),
            default=1,
            help="a different seed makes different buyers and leads (default: 1)",
        )
        parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")

    def handle(self, *_: Any, leads: int, seed: int, json: bool, **__: Any) -> None:
        progress = Console(stderr=True)
        call_command("migrate", verbosity=0, interactive=False)
        demo = build_demo(seed=seed)
        try:
            summary, called = _run(demo, leads=leads, seed=seed, console=progress)
        except (ProductNotReady, SendingFailed, CarrierNotStarted) as error:
            raise CommandError(str(error), returncode=1) from error
        self._show(demo, summary, called, as_json=json)

    def _show(self, demo: Demo, summary: Summary, called: calls.Called, *, as_json: bool) -> None:
        verdict, holds = _verify()
        traces = {**_read_traces(demo), "calls": calls_story.tell(called)}
        if as_json:
            document = {**summary.as_json(), "verify": verdict.splitlines()[-1], "traces": traces}
            self.stdout.write(json.dumps(document))
        else:
            print_report(summary, traces=traces, verdict=verdict, console=Console())
        if not holds:
            raise CommandError("an invariant is broken; see above", returncode=1)


def _run(demo: Demo, *, leads: int, seed: int, console: Console) -> tuple[Summary, calls.Called]:
    buyers = Buyer.objects.filter(workspace=demo.workspace).count()
    console.print(
        f"Built workspace [bold]{demo.workspace.slug}[/] with {buyers} buyers, and the partner"
        f" [bold]{demo.partner.slug}[/] whose rules send leads to two agencies. Starting the product …"
    )
    own = list(make_leads(leads, seed=seed, at=timezone.now()))
    count = max(MIN_PARTNER_LEADS, leads // OWN_LEADS_PER_PARTNER_LEAD)
    partners = list(make_partner_leads(count, known=own, seed=seed, at=timezone.now()))
    total = len(own) + len(partners)
    log_file = Path(settings.VAR_DIR) / "demo.log"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        recharge.running_provider() as provider,
        running_product(
            log_file=log_file,
            repository=settings.BASE_DIR,
            environment={**direct_post.ENVIRONMENT, **provider.environment},
        ) as address,
        Progress(*columns, console=console) as progress,
    ):
        started = time.perf_counter()
        sending = progress.add_task("Sending leads", total=total)
        trying = progress.add_task("Selling them", total=total)
        for bodies, key in ((own, demo.key), (partners, demo.partner_key)):
            send_leads(bodies, address=address, key=key, advance=lambda: progress.advance(sending))
        sent = time.perf_counter()
        wait_until_tried(
            [demo.workspace.pk, demo.partner.pk],
            report=lambda remaining: progress.update(trying, completed=total - remaining),
        )
        tried = time.perf_counter()
        shown = direct_post.play(demo, address=address)
        auction.play(demo, address=address)
        offers.play(demo, address=address)
        recharge.play(demo, address=address, provider=provider)
        called = calls.play(demo, address=address)
    summary = read_summary(
        demo,
        tries=read_tries(shown),
        buyers=buyers,
        sending_seconds=sent - started,
        trying_seconds=tried - started,
    )
    return summary, called


def _verify() -> tuple[str, bool]:
    """Run `verify` on everything. Returns what it printed, and whether all invariants hold."""
    output = io.StringIO()
    try:
        call_command("verify", stdout=output)
    except (SystemExit, CommandError):
        return output.getvalue().strip(), False
    return output.getvalue().strip(), True


def _read_traces(demo: Demo) -> dict[str, str]:
    found = {
        status: find_instructive_lead(demo.workspace.pk, status=status)
        for status in ("distributed", "failed")
    }
    found["routed"] = find_routed_lead(demo.partner.pk, status="distributed")
    found["duplicate"] = find_routed_lead(demo.partner.pk, status="duplicate")
    found["auction"] = _find_last(demo, vertical=auction.VERTICAL, status="distributed")
    found["claimed"] = _find_last(demo, vertical=offers.VERTICAL, status="distributed")
    found["over"] = _find_last(demo, vertical=offers.VERTICAL, status="failed")
    traces = {name: _trace(lead_id) for name, lead_id in found.items()}
    recharged = Buyer.objects.get(workspace=demo.workspace, card_customer__isnull=False)
    return {**traces, "recharge": tell(recharged)}


def _find_last(demo: Demo, *, vertical: str, status: str) -> int | None:
    leads = Lead.objects.filter(workspace=demo.workspace, vertical=vertical, status=status)
    return leads.order_by("-pk").values_list("pk", flat=True).first()


def _trace(lead_id: int | None) -> str:
    if lead_id is None:
        return ""
    output = io.StringIO()
    call_command("explain", str(Lead.objects.get(pk=lead_id).public_id), stdout=output)
    return output.getvalue().strip()
