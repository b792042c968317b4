"""Start, find, repair and stop the servers of a checkout. URLs that the caller gives take precedence."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leadswitch.embedded import postgres, redis
from leadswitch.embedded.paths import ServerPrograms, ServicePaths, ServicesError, exclusive_lock

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

BUNDLED = ServerPrograms()


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    database_url: str
    redis_url: str


def ensure_services(
    var_dir: Path,
    *,
    database_url: str = "",
    redis_url: str = "",
    durable: bool = True,
    programs: ServerPrograms = BUNDLED,
) -> ServiceUrls:
    """Return the URLs to use. A service without a URL is started unless it runs; if it runs this takes milliseconds.

    `durable=False` stops waiting for the disk: commits survive a killed server, not a power cut. For tests.
    """
    paths = ServicePaths.of(var_dir)
    if not database_url:
        database_url = _ensure_postgres(paths, durable=durable, directory=programs.postgres_dir)
    if not redis_url:
        redis_url = _ensure_redis(paths, program=programs.redis)
    return ServiceUrls(database_url=database_url, redis_url=redis_url)


def start_services(var_dir: Path, *, durable: bool = True, programs: ServerPrograms = BUNDLED) -> ServiceUrls:
    return ensure_services(var_dir, durable=durable, programs=programs)


def ensure_named_redis(var_dir: Path, *, name: str, program: str = "") -> str:
    """Return the URL of another Redis in the var directory, started unless it runs. For test workers."""
    return _ensure_redis(ServicePaths.of(var_dir, redis_name=name), program=program)


def stop_named_redis(var_dir: Path) -> list[str]:
    """Stop each additional Redis of the var directory. Returns their names."""
    with exclusive_lock(ServicePaths.of(var_dir)):
        return _stop_named_redis(var_dir)


def stop_services(var_dir: Path) -> list[str]:
    """Stop all servers of the var directory, even of a removed one. Returns the names of those that ran."""
    paths = ServicePaths.of(var_dir)
    with exclusive_lock(paths):
        stopped = {"PostgreSQL": postgres.stop(paths), "Redis": redis.stop(paths)}
        named = _stop_named_redis(var_dir)
    return [*(name for name, ran in stopped.items() if ran), *(f"Redis {name}" for name in named)]


def service_states(var_dir: Path) -> dict[str, str]:
    """Return for each server `ready`, `running` (it does not respond, or its files were removed) or `stopped`."""
    paths = ServicePaths.of(var_dir)
    return {
        "PostgreSQL": _state(ready=postgres.is_ready(paths), running=lambda: postgres.is_running(paths)),
        "Redis": _state(ready=redis.is_ready(paths), running=lambda: redis.is_running(paths)),
    }


def _ensure_postgres(paths: ServicePaths, *, durable: bool, directory: str) -> str:
    if not postgres.is_ready(paths):
        with exclusive_lock(paths):
            # Another process may have started it while this one waited for the lock.
            if not postgres.is_ready(paths):
                postgres.start(paths, durable=durable, directory=directory)
    return postgres.database_url(paths)


def _ensure_redis(paths: ServicePaths, *, program: str) -> str:
    if not redis.is_ready(paths):
        with exclusive_lock(paths):
            if not redis.is_ready(paths):
                redis.start(paths, program=program)
    return redis.redis_url(paths)


def _stop_named_redis(var_dir: Path) -> list[str]:
    named = redis.running_names(ServicePaths.of(var_dir))
    return [name for name in named if redis.stop(ServicePaths.of(var_dir, redis_name=name))]


def _state(*, ready: bool, running: Callable[[], bool]) -> str:
    if ready:
        return "ready"
    return "running" if running() else "stopped"
