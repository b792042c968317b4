"""Database health: PostgreSQL, Redis, balances, and the exporter that reads them."""

from typing import Final

from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.dashboards.board import Board, Panel, Query, Row, Threshold, Unit, Variable, View
from leadswitch.levels.dashboards.boards.queries import (
    gauge,
    gauge_by,
    increase,
    increase_by,
    is_chosen,
    largest,
    percentiles,
    rate,
)
from leadswitch.levels.dashboards.expressions import Gauge, ProcessAggregation, Series, Share

CONNECTIONS: Final = "leadswitch_postgres_connections"
SUCCESS: Final = "leadswitch_exporter_collector_success"

SERVERS: Final = Row(
    "Servers",
    (
        Panel(
            title="PostgreSQL responds",
            description="Whether PostgreSQL responded to the exporter in the last pass. Normal: yes.",
            unit=Unit.YES_NO,
            view=View.NUMBER,
            queries=(gauge("leadswitch_up", "answers"),),
            thresholds=(Threshold(0, is_error=True, is_below=True),),
            width=6,
            height=5,
        ),
        Panel(
            title="Redis responds",
            description="Whether Redis responded to the exporter in the last pass. Normal: yes.",
            unit=Unit.YES_NO,
            view=View.NUMBER,
            queries=(gauge("leadswitch_redis_up", "answers"),),
            thresholds=(Threshold(0, is_error=True, is_below=True),),
            width=6,
            height=5,
        ),
        Panel(
            title="Balances that differ from their ledger",
            description="Normal: 0. Page the on-call engineer if it is not 0.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_wallets_drifted", "differ"),),
            thresholds=(Threshold(1, is_error=True),),
            width=6,
            height=5,
        ),
        Panel(
            title="Balances below a day's spend",
            description="Wallets that will be empty within a day. Their buyers should top up.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_wallets_below_daily_spend", "low"),),
            width=6,
            height=5,
        ),
        Panel(
            title="Buyers who are late to pay",
            description="Buyers on net terms with an overdue statement. Normal: 0.",
            unit=Unit.COUNT,
            view=View.NUMBER,
            queries=(gauge("leadswitch_buyers_overdue", "late"),),
            thresholds=(Threshold(1),),
            width=6,
            height=5,
        ),
    ),
)
POSTGRES: Final = Row(
    "PostgreSQL",
    (
        Panel(
            title="Connections",
            description="Connections by state. Normal: far below the limit.",
            unit=Unit.COUNT,
            queries=(gauge_by("state", CONNECTIONS), gauge("leadswitch_postgres_connections_limit", "limit")),
        ),
        Panel(
            title="Connections in use",
            description="Share of the connections that PostgreSQL allows. Normal: under 80%.",
            unit=Unit.SHARE,
            queries=(
                Query(
                    Share(
                        Gauge(Series(CONNECTIONS), aggregation=ProcessAggregation.SUM),
                        Gauge(Series("leadswitch_postgres_connections_limit")),
                    ),
                    "in use",
                ),
            ),
            thresholds=(Threshold(0.8), Threshold(0.95, is_error=True)),
        ),
        Panel(
            title="Slow and waiting queries",
            description="Statements that run long, statements that wait for a lock, and locks not granted. Normal:"
            " 0.",
            unit=Unit.COUNT,
            queries=(
                gauge("leadswitch_postgres_slow_queries", "slow"),
                gauge("leadswitch_postgres_waiting_queries", "waiting"),
                gauge("leadswitch_postgres_lock_waits", "locks not granted"),
            ),
        ),
        Panel(
            title="Longest transaction",
            description=(
                "How long the oldest open transaction has run. Normal: under 60 s; a long one holds up"
                " the vacuum."
            ),
            unit=Unit.SECONDS,
            queries=(gauge("leadswitch_postgres_longest_transaction_seconds", "longest"),),
            thresholds=(Threshold(60), Threshold(600, is_error=True)),
        ),
        Panel(
            title="Largest tables",
            description="Size of tables without their indexes.",
            unit=Unit.BYTES,
            view=View.LIST,
            queries=(largest("table", gauge_by("table", "leadswitch_postgres_table_bytes")),),
        ),
        Panel(
            title="Largest indexes",
            description="Size of all indexes of a table.",
            unit=Unit.BYTES,
            view=View.LIST,
            queries=(largest("table", gauge_by("table", "leadswitch_postgres_index_bytes")),),
        ),
        Panel(
            title="Dead rows",
            description="Share of rows that are dead and wait for a vacuum, by table. Normal: under 20%.",
            unit=Unit.SHARE,
            queries=(gauge_by("table", "leadswitch_postgres_dead_rows_ratio"),),
            thresholds=(Threshold(0.2),),
        ),
        Panel(
            title="Index bloat (estimate)",
            description=(
                "Part of a table's indexes that REINDEX would free, estimated from statistics. Normal: under 40%."
                " The runbook capacity says what to do above 50%."
            ),
            unit=Unit.SHARE,
            queries=(gauge_by("table", "leadswitch_postgres_index_bloat_ratio"),),
            thresholds=(Threshold(0.5),),
        ),
    ),
)
STATEMENTS: Final = Row(
    "Statements of the product",
    (
        Panel(
            title="Duration of statements",
            description="How long the product waits for a statement, in all processes. Normal: p95 under 0.05 s.",
            unit=Unit.SECONDS,
            queries=percentiles("django_db_query_duration_seconds"),
            thresholds=(Threshold(0.1), Threshold(1, is_error=True)),
        ),
        Panel(
            title="Statements",
            description="Statements per second, and rows written in bulk. Normal: they follow the leads.",
            unit=Unit.PER_SECOND,
            queries=(
                rate("django_db_execute_total", "statements"),
                rate("django_db_execute_many_total", "in bulk"),
            ),
        ),
        Panel(
            title="Failed statements",
            description="Statements that PostgreSQL refused or ended, by exception. Normal: few.",
            unit=Unit.COUNT,
            view=View.STACKED,
            queries=(increase_by("type", "django_db_errors_total"),),
        ),
        Panel(
            title="New connections",
            description=(
                "Connections opened, and those that failed to open. Processes keep their connections, so"
                " new ones mean restarts. Normal: none failed."
            ),
            unit=Unit.COUNT,
            queries=(
                increase("django_db_new_connections_total", "opened"),
                increase("django_db_new_connection_errors_total", "failed"),
            ),
        ),
    ),
)
REDIS: Final = Row(
    "Redis",
    (
        Panel(
            title="Memory",
            description="Memory that Redis uses, and its limit. A limit of 0 means none.",
            unit=Unit.BYTES,
            queries=(
                gauge("leadswitch_redis_memory_bytes", "used"),
                gauge("leadswitch_redis_memory_limit_bytes", "limit"),
            ),
        ),
    ),
)
EXPORTER: Final = Row(
    "Exporter",
    (
        Panel(
            title="Collectors",
            description="1 if the last pass of the collector succeeded. Normal: 1 for each.",
            unit=Unit.YES_NO,
            view=View.TABLE,
            queries=(
                gauge_by("collector", SUCCESS, is_chosen("collector"), aggregation=ProcessAggregation.MIN),
            ),
        ),
        Panel(
            title="Duration of passes",
            description="How long the last pass of each collector took. Normal: under 1 s.",
            unit=Unit.SECONDS,
            queries=(
                gauge_by(
                    "collector", "leadswitch_exporter_collector_duration_seconds", is_chosen("collector")
                ),
            ),
            thresholds=(Threshold(2),),
        ),
        Panel(
            title="Age of the values",
            description="How long ago the values of each collector were read. Old values are not shown.",
            unit=Unit.SECONDS,
            queries=(
                gauge_by("collector", "leadswitch_exporter_collector_age_seconds", is_chosen("collector")),
            ),
            thresholds=(Threshold(60),),
        ),
    ),
)
DATABASE: Final = Board(
    Dashboard.DATABASE,
    "Database health",
    "PostgreSQL, Redis and balances, as the exporter reads them.",
    (SERVERS, POSTGRES, STATEMENTS, REDIS, EXPORTER),
    (Variable("collector", "Collector", SUCCESS),),
)
