"""Offers of ping post, opened, claimed and timed in the worker."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any, Final

from django.db import connection

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.listening import open_connection
from distribution.models import OFFERS_CHANNEL, BuyerKey, BuyerScope, Campaign, Enrollment, Offer
from distribution.offers.claim import claim_offer
from distribution.tasks import process_leads
from routing.places.zips import load_rows
from routing.queries import read_clock
from tests.bench.dataset import Pool, add_leads, build_pool
from tests.bench.delivering import NotDelivered, noted_commits
from tests.bench.loops.claim_by_hand import ClaimByHand
from tests.bench.template import read_template
from tests.bench.wire import list_statements

FIELDS: Final = ["zip3", "state", "attributes.roof_age"]
LONG_SECONDS: Final = 3_600
SHORT_SECONDS: Final = 5
LONGEST_SECONDS: Final = 120.0
NOTHING: Final = 0  # no offer has this primary key


def build_offering(size: int, *, seconds: int) -> Pool:
    """A campaign of `size` buyers whose offers half of them may claim, at its price."""
    load_rows()
    pool = build_pool(size)
    Campaign.objects.filter(pk=pool.campaign_id).update(
        mode="ping_post", offer_fields=FIELDS, offer_seconds=seconds, offer_fallback="unsold"
    )
    return pool


def list_eligible(pool: Pool) -> list[int]:
    """The buyers that are shown its offers."""
    enrollments = Enrollment.objects.filter(campaign_id=pool.campaign_id).order_by("pk")
    return list(enrollments.values_list("buyer_id", flat=True)[::2])


def issue_keys(buyer_ids: Sequence[int], *, count: int) -> list[str]:
    """Keys of these buyers in turns."""
    scopes = [BuyerScope.OFFERS_READ, BuyerScope.OFFERS_WRITE]
    return [
        BuyerKey.objects.create_key(
            name=f"bench {number}", buyer_id=buyer_ids[number % len(buyer_ids)], scopes=scopes
        )[1]
        for number in range(count)
    ]


def open_offers(pool: Pool, *, count: int, per_second: float | None = None) -> list[Mapping[str, Any]]:
    """One after the other. `committed`: by the clock of `time.perf_counter`, right after the commit."""
    opened: list[Mapping[str, Any]] = []
    lead_ids = add_leads(pool, count)
    with noted_commits() as commits:
        for lead_id in pace(lead_ids, per_second=per_second):
            outcome = distribute_lead(lead_id)
            if outcome.result != "offered":
                raise NotDelivered(f"{outcome.result} {outcome.skip_reason}")
            offer_id = str(Offer.objects.values_list("public_id", flat=True).get(lead_id=lead_id))
            opened.append({"id": offer_id, "lead_id": lead_id, "committed": commits[-1]})
    return opened


def pace(lead_ids: Sequence[int], *, per_second: float | None) -> Iterator[int]:
    started = time.perf_counter()
    for place, lead_id in enumerate(lead_ids):
        if per_second is not None:
            time.sleep(max(0.0, started + place / per_second - time.perf_counter()))
        yield lead_id


class Claiming:
    """Claims in this process, by the product and by hand. Each keeps its connection."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._buyer_ids = list_eligible(pool)
        [first] = Offer.objects.filter(lead_id=open_offers(pool, count=1)[0]["lead_id"])
        claim_offer(first.public_id, buyer_id=self._buyer_ids[0])
        self._by_hand = ClaimByHand(read_template(pool), worker=0)

    def time_product(self, count: int) -> float:
        """Returns the seconds of `count` claims."""
        offers = self._open(count)
        started = time.perf_counter()
        for offer, buyer_id in offers:
            claim_offer(offer.public_id, buyer_id=buyer_id)
        return time.perf_counter() - started

    def time_by_hand(self, count: int) -> float:
        offers = self._open(count)
        started = time.perf_counter()
        for offer, buyer_id in offers:
            self._by_hand.claim(offer.public_id, buyer_id=buyer_id)
        return time.perf_counter() - started

    def list_statements(self) -> Sequence[str]:
        [(offer, buyer_id)] = self._open(1)
        return list_statements(lambda: claim_offer(offer.public_id, buyer_id=buyer_id))

    def _open(self, count: int) -> list[tuple[Offer, int]]:
        lead_ids = [each["lead_id"] for each in open_offers(self._pool, count=count)]
        offers = Offer.objects.filter(lead_id__in=lead_ids).order_by("pk")
        return [(each, self._buyer_ids[place % len(self._buyer_ids)]) for place, each in enumerate(offers)]


def time_closings(pool: Pool, *, count: int, per_second: float) -> list[float]:
    """Open offers at a steady pace. Returns by how many ms the commit that closed each came after its end.

    A dispatcher and a worker close them. PostgreSQL notifies at the commit, so the time includes the notification.
    """
    lead_ids = add_leads(pool, count)
    with _closings() as wait:
        for lead_id in pace(lead_ids, per_second=per_second):
            process_leads([lead_id])
        ends = dict(Offer.objects.filter(lead_id__in=lead_ids).values_list("pk", "closes_at"))
        if len(ends) != count:
            raise NotDelivered(f"{len(ends)} of {count} leads were offered")
        closed_at = wait(ends)
    return [(closed_at[pk] - end.timestamp()) * 1000 for pk, end in ends.items()]


@contextmanager
def _closings() -> Iterator[Callable[[Mapping[int, datetime]], dict[int, float]]]:
    """Notes all notifications from now on; the yielded call waits until these offers have closed, and returns when.

    A thread notes them as they arrive, while other offers still open.
    """
    noted: SimpleQueue[tuple[int, float]] = SimpleQueue()
    has_ended = Event()
    ahead = read_clock().timestamp() - time.time()

    def listen() -> None:
        with open_connection() as listening:
            listening.execute(f"LISTEN {OFFERS_CHANNEL}")
            noted.put((NOTHING, 0.0))
            while not has_ended.is_set():
                for notified in listening.notifies(timeout=0.2, stop_after=1):
                    noted.put((int(notified.payload), time.time() + ahead))

    def wait(ends: Mapping[int, datetime]) -> dict[int, float]:
        closed_at: dict[int, float] = {}
        deadline = time.monotonic() + LONGEST_SECONDS
        while len(closed_at) < len(ends):
            try:
                pk, at = noted.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise NotDelivered(f"{len(closed_at)} of {len(ends)} offers closed") from None
            if pk in ends and at >= ends[pk].timestamp():
                closed_at.setdefault(pk, at)
        return closed_at

    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(listen)
        try:
            noted.get(timeout=LONGEST_SECONDS)  # it listens
            yield wait
        finally:
            has_ended.set()
            listening.result()


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
