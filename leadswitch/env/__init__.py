"""The configuration: environment variables, strictly read. Settings come from here alone.

Each variable is one row of a section (data, web, leads, tuning, takeover, limits, metrics); `registry` collects them,
`read` reads them, `together` has the rules about two of them, and `example` makes .env.example from them.
"""

from leadswitch.env.data import Locations
from leadswitch.env.parse import REPOSITORY, BadEnvironment
from leadswitch.env.read import read_environment, read_locations, read_worker_metrics
from leadswitch.env.registry import Environment
from leadswitch.env.urls import celery_broker_url, postgres_settings

__all__ = [
    "REPOSITORY",
    "BadEnvironment",
    "Environment",
    "Locations",
    "celery_broker_url",
    "postgres_settings",
    "read_environment",
    "read_locations",
    "read_worker_metrics",
]
