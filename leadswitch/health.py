"""Health for orchestrators. Answers name no host, tenant or person.

Ready means that this server can store leads, which needs only a writable PostgreSQL. Without Redis, workers or
dispatchers leads are stored and distributed later; without deliverers, sold leads are sent later;
without dialers, calls are placed later. The answer lists degraded parts.
"""

import time
from dataclasses import asdict
from typing import Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from structlog import get_logger

from leadswitch import probes
from leadswitch.metrics import PART_OK

log = get_logger(__name__)

# The processes of an installation start together. A degraded part is expected until a worker and a dispatcher have sent
# a heartbeat and beat has run a reconciler.
STARTUP_SECONDS: Final = 30.0
STARTED_AT: Final = time.monotonic()


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process serves requests. Does not check its dependencies."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> HttpResponse:
    """503 while leads cannot be stored. `degraded` lists the other parts that have a problem.

    Degraded parts are logged once the process has run for STARTUP_SECONDS.
    """
    parts: dict[str, str] = asdict(probes.read_parts())
    degraded = [name for name, state in parts.items() if state != probes.OK and name != "database"]
    for name, state in parts.items():
        PART_OK.labels(part=name).set(state == probes.OK)
    is_ready = parts["database"] == probes.OK
    if not is_ready:
        log.warning("not_ready", **parts)
    elif degraded and time.monotonic() - STARTED_AT > STARTUP_SECONDS:
        log.warning("degraded", **parts)
    return JsonResponse({"ready": is_ready, **parts, "degraded": degraded}, status=200 if is_ready else 503)
