"""The superuser of the embedded PostgreSQL, for tests that do damage which the product's role may not."""

from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.postgres import database_url
from leadswitch.embedded.roles import ROLE, SUPERUSER


def superuser_url(paths: ServicePaths) -> str:
    return database_url(paths).replace(f"//{ROLE}@", f"//{SUPERUSER}@", 1)
