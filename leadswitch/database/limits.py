"""The limits of a database session, by the kind of process, and the two ways in which a session gets them.

A connection sends them when it starts. PgBouncer refuses or drops such options, so behind it the
database role has them (`manage.py set_role_limits`).
"""

from collections.abc import Mapping
from typing import Final

# The limits end a stuck statement long before an operator would notice it. Commands run migrations, imports and verify,
# which are long on purpose.
STATEMENT_TIMEOUT_MS: Final = {
    "web": 15_000,
    "worker": 15_000,
    # It only reads, and must not add to the load of a database in trouble.
    "exporter": 2_000,
    "command": 600_000,
}
COMMON: Final[Mapping[str, str]] = {
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "30000",
    # Statements here take milliseconds. With JIT an expensive-looking plan would be compiled for a quarter of a second:
    # below PostgreSQL 18 `enable_seqscan = off` adds 1e10 to the cost of every plan that reads a table whole.
    "jit": "off",
}


def session_limits(kind: str) -> dict[str, str]:
    """By name of the parameter; times in milliseconds, as pg_settings has them."""
    limits = {**COMMON, "statement_timeout": str(STATEMENT_TIMEOUT_MS[kind])}
    if kind == "worker":
        # Workers keep their statements prepared. A plan made while a table was small would read all of the table,
        # no matter how large it has become, until autovacuum runs. Every statement of a worker has an index.
        limits["enable_seqscan"] = "off"
    return limits


def startup_options(kind: str) -> str:
    return " ".join(f"-c {name}={value}" for name, value in session_limits(kind).items())
