"""`python -m tests.bench.deliveries_worker`: makes deliveries for the bench, and times them. As tests.bench.worker."""

from collections.abc import Mapping, Sequence
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from routing.models import Source, Workspace
from tests.bench import delivering
from tests.bench.dataset import Pool, add_leads
from tests.bench.worker import serve


class DeliveriesWorker:
    """`_pool`: of leads that are only sent, and not decided."""

    def __init__(self) -> None:
        workspace, _ = Workspace.objects.get_or_create(slug="bench", name="Bench")
        source, _ = Source.objects.get_or_create(workspace=workspace, name="form")
        self._pool = Pool(workspace.pk, source.pk, 0, "sent")
        self._asking: Pool | None = None

    def wait_for_deliverer(self) -> Mapping[str, Any]:
        delivering.wait_for_deliverer()
        return {}

    def add_endpoint(self, url: str, max_in_flight: int = delivering.MAX_IN_FLIGHT) -> Mapping[str, Any]:
        return {"id": delivering.add_endpoint(url, max_in_flight=max_in_flight)}

    def add_messages(self, endpoint_id: int, count: int) -> Mapping[str, Any]:
        delivering.add_messages([endpoint_id], add_leads(self._pool, count))
        return {}

    def wait_until_ended(self, endpoint_id: int) -> Mapping[str, Any]:
        delivering.wait_until_ended([endpoint_id])
        return {}

    def time_messages(self, endpoint_id: int, count: int) -> Mapping[str, Any]:
        return {"per_second": delivering.time_messages(self._pool, endpoint_id, count=count)}

    def time_paced(self, endpoint_ids: Sequence[int], count: int, per_second: float) -> Mapping[str, Any]:
        return {
            "times": delivering.time_paced(self._pool, endpoint_ids, count=count, per_second=per_second),
            "states": delivering.describe_messages(),
        }

    def time_direct_posts(self, url: str, count: int) -> Mapping[str, Any]:
        if self._asking is None:
            self._asking = delivering.build_direct_post(url)
        return {"times": delivering.time_direct_posts(self._asking, count=count)}


if __name__ == "__main__":
    serve(DeliveriesWorker())
