"""`python -m tests.bench.offers_worker`: opens, claims and times offers for the bench. As tests.bench.worker."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import django

if __name__ == "__main__":
    django.setup()

from distribution.attempts.worker import freeze_startup_objects
from tests.bench import auctioning, claiming, delivering, replaying
from tests.bench.worker import serve

if TYPE_CHECKING:
    from tests.bench.dataset import Pool


class OffersWorker:
    def __init__(self) -> None:
        self._auction: Pool | None = None
        self._offering: Pool | None = None
        self._closing: Pool | None = None
        self._claiming: claiming.Claiming | None = None

    def wait_for_deliverer(self) -> Mapping[str, Any]:
        delivering.wait_for_deliverer()
        return {}

    def time_auctions(self, urls: Sequence[str], count: int) -> Mapping[str, Any]:
        if self._auction is None:
            self._auction = auctioning.build_auction(urls)
        return {"auctions": auctioning.time_auctions(self._auction, count=count, bidders=len(urls))}

    def build_offering(self, size: int, keys: int) -> Mapping[str, Any]:
        """Returns keys of the buyers that are shown its offers, in turns."""
        pool = self._offering = claiming.build_offering(size, seconds=claiming.LONG_SECONDS)
        self._claiming = claiming.Claiming(pool)
        claiming.analyze()
        return {"keys": claiming.issue_keys(claiming.list_eligible(pool), count=keys)}

    def open_offers(self, count: int, per_second: float | None = None) -> Mapping[str, Any]:
        assert self._offering is not None
        return {"offers": claiming.open_offers(self._offering, count=count, per_second=per_second)}

    def time_claims(self, loop: str, count: int) -> Mapping[str, Any]:
        """In this process."""
        assert self._claiming is not None
        time = self._claiming.time_product if loop == "product" else self._claiming.time_by_hand
        return {"seconds": time(count)}

    def list_claim_statements(self) -> Mapping[str, Any]:
        assert self._claiming is not None
        return {"statements": self._claiming.list_statements()}

    def time_closings(self, size: int, count: int, per_second: float) -> Mapping[str, Any]:
        if self._closing is None:
            self._closing = claiming.build_offering(size, seconds=claiming.SHORT_SECONDS)
        return {"lags_ms": claiming.time_closings(self._closing, count=count, per_second=per_second)}

    def time_replays(self, missed: int) -> Mapping[str, Any]:
        pool = replaying.build_missed(missed)
        claiming.analyze()
        return {"replays": replaying.time_replays(pool)}


if __name__ == "__main__":
    freeze_startup_objects()
    serve(OffersWorker())
