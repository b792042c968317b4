"""`python -m tests.bench.offers_worker`: opens auctions for the bench, and times them. As tests.bench.worker."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import django

if __name__ == "__main__":
    django.setup()

from tests.bench import auctioning, delivering
from tests.bench.worker import serve

if TYPE_CHECKING:
    from tests.bench.dataset import Pool


class OffersWorker:
    def __init__(self) -> None:
        self._auction: Pool | None = None

    def wait_for_deliverer(self) -> Mapping[str, Any]:
        delivering.wait_for_deliverer()
        return {}

    def time_auctions(self, urls: Sequence[str], count: int) -> Mapping[str, Any]:
        if self._auction is None:
            self._auction = auctioning.build_auction(urls)
        return {"auctions": auctioning.time_auctions(self._auction, count=count, bidders=len(urls))}


if __name__ == "__main__":
    serve(OffersWorker())
