"""One distributed trace from the request through the queue to the attempt, in the real processes."""

import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from distribution.models import Assignment
from routing.models import Lead, LeadStatus
from tests.support.factories import CampaignFactory, SourceFactory, WorkspaceFactory, enroll, issue_key
from tests.support.otlp_receiver import ReceivedSpan, Receiver, receiving
from tests.support.ports import free_port
from tests.support.processes import WORKER, Program, celery, dispatcher
from tests.support.served import Server, serving
from tests.support.shown import find_shown
from tests.support.switches import pause_product, resume_product
from tests.support.waiting import wait_until
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

PERSON = {
    "first_name": "Wilhelmina",
    "last_name": "Quackenbush",
    "email": "wilhelmina.quackenbush@example.com",
    "phone": "+14045550187",
    "address": "4217 Peppergrass Lane",
    "zip": "30312",
}
NEVER = "3600000"  # milliseconds: only the end of a process exports its spans


@pytest.fixture
def key() -> str:
    """The key of a source in a workspace whose leads are sold as they come."""
    workspace = WorkspaceFactory(dispatch_mode="event")
    enroll(CampaignFactory(workspace=workspace), count=2, credits_cents=100_000)
    enroll(CampaignFactory(workspace=workspace, name="Other", vertical="plumbing"), count=1)
    return issue_key(SourceFactory(workspace=workspace))


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path) as receiver:
        yield receiver


def post(address: str, key: str, body: Any, *, path: str = "/api/v1/leads/") -> Any:
    request = urllib.request.Request(  # noqa: S310 - the test's own server
        f"{address}{path}",
        data=json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Api-Key {key}",
            # A stranger's distributed trace, which is ignored.
            "traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return json.load(answer)


@contextmanager
def product(directory: Path, **environment: str) -> Iterator[tuple[Server, Program]]:
    """Web server and worker. A lead that is due at once needs no dispatcher."""
    with serving(**environment) as server, celery(directory, *WORKER, **environment) as worker:
        yield server, worker


def wait_until_sold(public_id: str) -> Attempt:
    def is_sold() -> bool:
        return Lead.objects.filter(public_id=public_id, status=LeadStatus.DISTRIBUTED).exists()

    wait_until(is_sold, what="a sold lead")
    return Attempt.objects.get(lead_id=Lead.objects.get(public_id=public_id).pk)


def read_path(receiver: Receiver, attempt_id: object) -> list[ReceivedSpan]:
    """Return the spans from the request to this attempt, each the parent of the next."""
    [span] = receiver.wait_for("attempt", **{"leadswitch.attempt.id": str(attempt_id)})
    path = [span]
    while path[0].parent_id:
        found = path[0].parent_id
        wait_until(
            lambda found=found: any(s.span_id == found for s in receiver.read_spans()), what="a parent"
        )
        path.insert(0, next(each for each in receiver.read_spans() if each.span_id == found))
    return path


def check_path(path: list[ReceivedSpan]) -> None:
    assert [(each.name, each.kind, each.process, each.error) for each in path] == [
        ("POST /api/v1/leads/", "SERVER", "web", False),
        ("send leads", "PRODUCER", "web", False),
        ("process leads", "CONSUMER", "worker", False),
        ("attempt", "INTERNAL", "worker", False),
    ]
    assert len({each.trace_id for each in path}) == 1
    assert path[0].trace_id != "ab" * 16


def test_lead_has_one_trace_from_request_to_attempt(tmp_path: Path, receiver: Receiver, key: str) -> None:
    """No span contains personal data, and the log line of the attempt has the id of the distributed trace."""
    with product(tmp_path, **receiver.environment()) as (server, worker):
        public_id = post(server.address, key, PERSON)["id"]
        attempt = wait_until_sold(public_id)
        path = read_path(receiver, attempt.pk)
        worker.wait_until_it_says(str(attempt.pk))
        lines = worker.log.read_text().splitlines()
    check_path(path)
    lead = Lead.objects.get(public_id=public_id)
    request, _, consumer, span = path
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/leads/",
        "http.response.status_code": "201",
    }
    assert consumer.attributes["leadswitch.lead.row"] == str(lead.pk)
    assert span.attributes == {
        "leadswitch.lead.id": public_id,
        "leadswitch.attempt.id": str(attempt.pk),
        "leadswitch.attempt.number": "1",
        "leadswitch.attempt.result": "success",
        "leadswitch.attempt.skip_reason": "",
        "leadswitch.attempt.buyers": "1",
        "leadswitch.source_workspace.id": str(lead.source_workspace_id),
        "leadswitch.destination_workspace.id": str(lead.workspace_id),
        **{name: value for name, value in span.attributes.items() if name.startswith("leadswitch.skipped.")},
    }
    [line] = [json.loads(each) for each in lines if str(attempt.pk) in each]
    assert line["trace_id"] == span.trace_id
    secrets = [*PERSON.values(), str(lead.email_hash), str(lead.phone_hash), "4045550187", "404555", key]
    assert find_shown(secrets, receiver.read_text()) == []


def test_lead_that_waits_in_the_schedule_stays_in_its_trace(
    tmp_path: Path, receiver: Receiver, key: str
) -> None:
    """The dispatcher claims it, after a pause during which no message carried it. A batch is one request."""
    pause_product(at=datetime.now(UTC), actor="test", reason="test")
    environment = receiver.environment()
    with serving(**environment) as server:
        leads = [{"zip": "30312", "email": f"e{number}@example.com"} for number in range(4)]
        public_ids = [post(server.address, key, lead)["id"] for lead in leads[:2]]
        batch = post(server.address, key, {"leads": leads[2:]}, path="/api/v1/leads/batch/")["results"]
        receiver.wait_for("send leads", count=3)
    with (
        celery(tmp_path, *WORKER, **environment) as worker,
        dispatcher(tmp_path, **environment) as program,
    ):
        worker.wait_until_it_says(" ready.")
        program.wait_until_it_says("dispatch.leading")
        resume_product(actor="test", reason="test")
        paths = [read_path(receiver, wait_until_sold(public_id).pk) for public_id in public_ids]
        of_batch = [read_path(receiver, wait_until_sold(each["id"]).pk) for each in batch]
    for path in paths:
        check_path(path)
    assert len({path[0].trace_id for path in (*paths, *of_batch)}) == 3
    assert {(path[0].name, path[1].span_id) for path in of_batch} == {
        ("POST /api/v1/leads/batch/", of_batch[0][1].span_id)
    }
    assert of_batch[0][1].attributes["messaging.batch.message_count"] == "2"


def test_ending_processes_export_their_last_spans(tmp_path: Path, receiver: Receiver, key: str) -> None:
    """Web and worker on SIGTERM, and a pool process that ends after its last task."""
    environment = receiver.environment(OTEL_BSP_SCHEDULE_DELAY=NEVER)
    with (
        serving(**environment) as server,
        celery(tmp_path, *WORKER, "--max-tasks-per-child", "1", **environment) as worker,
    ):
        first = wait_until_sold(post(server.address, key, PERSON)["id"])
        receiver.wait_for("attempt", **{"leadswitch.attempt.id": str(first.pk)})
    with celery(tmp_path, *WORKER, **environment) as worker:
        with serving(**environment) as server:
            second = wait_until_sold(
                post(server.address, key, {"zip": "30312", "email": "c@example.com"})["id"]
            )
            assert receiver.find("attempt", **{"leadswitch.attempt.id": str(second.pk)}) == []
            server.process.send_signal(signal.SIGTERM)
            server.process.wait()
        worker.process.send_signal(signal.SIGTERM)
        worker.process.wait()
    check_path(read_path(receiver, second.pk))


def test_lead_is_sold_while_the_receiver_is_dead(tmp_path: Path, key: str) -> None:
    """Each process warns once, and still ends when it is stopped."""
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_MAX_QUEUE_SIZE": "2",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2",
    }
    with product(tmp_path, **environment) as (server, worker):
        post_leads = [{"zip": "30312", "email": f"d{number}@example.com"} for number in range(8)]
        for lead in post_leads:
            wait_until_sold(post(server.address, key, lead)["id"])
        worker.wait_until_it_says("spans.not_exported")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait() == 0
        text = worker.log.read_text()
    assert Assignment.objects.count() == len(post_leads)
    assert len(re.findall("spans.not_exported", text)) == 1
    assert "opentelemetry" not in text


def test_span_of_a_request_has_the_route_and_not_the_path(
    tmp_path: Path, receiver: Receiver, key: str
) -> None:
    del tmp_path
    with serving(**receiver.environment()) as server:
        for method, path in (
            ("GET", "/api/v1/leads/wilhelmina/?email=w@example.com"),
            ("GET", "/admin/routing/lead/?q=Quackenbush"),
            ("PEPPERGRASS", "/no/such/Peppergrass"),
        ):
            request = urllib.request.Request(  # noqa: S310 - the test's own server
                f"{server.address}{path}", method=method, headers={"Authorization": f"Api-Key {key}"}
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                    assert answer.status == HTTPStatus.OK
            except HTTPError as error:
                error.close()
        wait_until(lambda: len(receiver.read_spans()) >= 3, what="spans of the requests")
    assert receiver.find("HTTP")[0].attributes["http.request.method"] == "_OTHER"
    text = receiver.read_text().lower()
    for word in ("wilhelmina", "quackenbush", "peppergrass", "w@example.com", "healthz", "readyz"):
        assert word not in text
