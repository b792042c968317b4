"""Without an endpoint, no process loads OpenTelemetry, and no code of spans runs for a lead."""

import json
import subprocess
import sys
from typing import Any

import pytest

from leadswitch.env import REPOSITORY
from routing.models import Lead
from tests.support.factories import CampaignFactory, LeadFactory, enroll
from tests.support.processes import worker_environment

PROGRAM = """
import json, sys
from types import SimpleNamespace
BEGIN
from leadswitch import celery
from leadswitch.web import config
from leadswitch.start import begin_dispatcher
from distribution.tasks import process_leads
from routing.dispatch.enqueue import enqueue
from routing.queries import read_due_times

celery.begin_pool_process()
config.post_fork(SimpleNamespace(app=SimpleNamespace(app_uri="leadswitch.wsgi")), None)
begin_dispatcher()
leads = [int(lead) for lead in sys.argv[1:]]
process_leads(leads[:1])  # loads what the first attempt loads
called = set()
sys.setprofile(lambda frame, event, _: called.add(frame.f_code.co_filename) if event == "call" else None)
process_leads(leads[1:])
enqueue(read_due_times(leads))
sys.setprofile(None)
print(json.dumps([sorted(name for name in sys.modules if "opentelemetry" in name), sorted(called)]))
"""


WEB = "import leadswitch.wsgi"
WORKER = "import django; from celery.app.utils import find_app; find_app('leadswitch'); django.setup()"


def run_new(*command: str, **environment: str) -> Any:
    """What a new process prints. In a warm one, redis is imported with OpenTelemetry hidden before the fork."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        env=worker_environment(**environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize(("begin", "given"), [(WEB, {}), (WORKER, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""})])
def test_nothing_of_spans_runs_without_an_endpoint(begin: str, given: dict[str, str]) -> None:
    """redis-py loads OpenTelemetry if it finds it, so that is hidden."""
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=100_000)
    leads = LeadFactory.create_batch(2, source__workspace=campaign.workspace)
    program = PROGRAM.replace("BEGIN", begin)
    loaded, called = run_new("-c", program, *(str(lead.pk) for lead in leads), **given)
    assert loaded == ["opentelemetry"]  # the entry that hides it
    assert [path for path in called if "span" in path] == []
    assert any(path.endswith("distribution/attempts/distribute.py") for path in called)
    assert {lead.status for lead in Lead.objects.all()} == {"distributed"}
