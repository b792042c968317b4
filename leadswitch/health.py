"""Health for orchestrators. Answers name no host, tenant or person.

Ready means: this server can take leads in. That needs PostgreSQL, writable, and nothing else: without Redis, without
workers or dispatchers leads are stored, and go out when they can. What is degraded is told beside it.
"""

from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from structlog import get_logger

from leadswitch import probes
from leadswitch.metrics import PART_OK

log = get_logger(__name__)


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process serves requests; says nothing about what it depends on."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(_request: HttpRequest) -> HttpResponse:
    """503 while leads cannot be stored. `degraded` names the other parts that are not as they should be."""
    parts: dict[str, str] = asdict(probes.read_parts())
    degraded = [name for name, state in parts.items() if state != probes.OK and name != "database"]
    for name, state in parts.items():
        PART_OK.labels(part=name).set(state == probes.OK)
    is_ready = parts["database"] == probes.OK
    if not is_ready or degraded:
        log.warning("not_ready" if not is_ready else "degraded", **parts)
    return JsonResponse({"ready": is_ready, **parts, "degraded": degraded}, status=200 if is_ready else 503)
