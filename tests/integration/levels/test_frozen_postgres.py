"""PostgreSQL hangs: every process still answers its scrape, and the exporter says what it cannot read."""

from collections.abc import Iterator

import psutil
import pytest

from leadswitch.levels.alerts.alert import Job
from leadswitch.levels.exporter.collector import SUCCESS
from leadswitch.levels.exporter.collectors.redis import REDIS
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from tests.bench.scrapes.run import FROZEN, RUNNING, judge, measure
from tests.support.exporter_programs import frozen
from tests.support.processes import started
from tests.support.scrapes import PATIENCE_SECONDS
from tests.support.whole_product import WholeProduct, own_product

OF_POSTGRES = [row.name for row in COLLECTORS if row is not REDIS]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeProduct]:
    """Its processes, except the exporter, wait for PostgreSQL for longer than a scrape may take.

    So none answers because it gave up.
    """
    directory = tmp_path_factory.mktemp("product")
    with own_product(directory, database_options=f"?connect_timeout={10 * PATIENCE_SECONDS}") as found:
        yield found


def test_every_endpoint_answers_while_postgres_is_frozen(product: WholeProduct) -> None:
    with frozen(product.var_dir) as postmaster:
        for name in OF_POSTGRES:
            product.exporter.wait_for(SUCCESS.name, 0, collector=name)
        scrapes = {job: endpoint.scrape() for job, endpoint in product.endpoints.items()}
        assert postmaster.status() == psutil.STATUS_STOPPED

    assert scrapes.keys() == set(Job)
    for job, scrape in scrapes.items():
        assert scrape.total("leadswitch_process_open_files", kind=job.removeprefix("leadswitch-")) > 0
    shown = scrapes[Job.EXPORTER]
    assert shown.values(SUCCESS.name) == {
        **{(("collector", name),): 0 for name in OF_POSTGRES},
        (("collector", REDIS.name),): 1,
    }
    assert shown.total("leadswitch_up") == 0
    assert shown.total("leadswitch_redis_up") == 1
    for row in COLLECTORS:
        product.exporter.wait_for(SUCCESS.name, 1, collector=row.name)


def test_bench_of_scrapes_reports_every_process(product: WholeProduct) -> None:
    """It says nothing about how fast they were."""
    report = measure(product, scrapes=2)
    assert report.keys() == {RUNNING, FROZEN}
    for state in report.values():
        assert state.keys() == {str(job) for job in Job}
        assert all(0 < each["median_ms"] <= each["longest_ms"] for each in state.values())
    aims = judge(report)
    assert [aim.name for aim in aims] == [f"scrape of {job}, PostgreSQL frozen" for job in sorted(Job)]


@pytest.mark.usefixtures("committed_db")
def test_bench_of_scrapes_starts() -> None:
    with started("-m", "tests.bench.scrapes", "--help") as process:
        text, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "usage: python -m tests.bench.scrapes" in text
