"""The superuser of the embedded PostgreSQL: for tests that damage what the product's own role may not."""

from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.postgres import database_url
from leadswitch.embedded.roles import ROLE, SUPERUSER


def superuser_url(paths: ServicePaths) -> str:
    return database_url(paths).replace(f"//{ROLE}@", f"//{SUPERUSER}@", 1)
