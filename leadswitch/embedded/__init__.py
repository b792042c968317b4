"""PostgreSQL and Redis for a checkout without DATABASE_URL / REDIS_URL: started once, reused and repaired.

`ensure_services` is the entry point. Nothing here imports Django, so that `python -m leadswitch.embedded stop`
works without the settings, whose import would start the servers.
"""

from leadswitch.embedded.lifecycle import (
    ServerPrograms,
    ServicesError,
    ServiceUrls,
    ensure_named_redis,
    ensure_services,
    service_states,
    start_services,
    stop_named_redis,
    stop_services,
)

__all__ = [
    "ServerPrograms",
    "ServiceUrls",
    "ServicesError",
    "ensure_named_redis",
    "ensure_services",
    "service_states",
    "start_services",
    "stop_named_redis",
    "stop_services",
]
