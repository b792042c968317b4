"""What the parent of each kind of process does when it starts, so that its metrics can be scraped."""

from django.conf import settings

from leadswitch.levels.serving.processes import ProcessKind, register_process
from leadswitch.levels.serving.registry import make_registry
from leadswitch.levels.serving.server import serve


def serve_metrics(kind: ProcessKind) -> None:
    """Register this process, and serve its metrics if its port is set. A pool forks after this."""
    register_process(kind)
    port = settings.LEADSWITCH_METRICS_PORTS[kind.value]
    if port:
        serve(make_registry(), host=settings.LEADSWITCH_METRICS_HOST, port=port)
