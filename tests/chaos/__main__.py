"""`python -m tests.chaos`: the whole product under every fault, on the test servers and in a separate database.

Exit code 0: no findings. 1: findings, which are listed. 2: wrong arguments.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from leadswitch.embedded import ensure_services, service_states, stop_services
from leadswitch.env import REPOSITORY
from tests.chaos.missing import miss_each
from tests.chaos.parts import PARTS, Part
from tests.chaos.periods import BY_NAME, PRODUCTION, Periods

if TYPE_CHECKING:
    from rich.console import Console

    from tests.chaos.run import Order

VAR_DIR: Final = REPOSITORY / "var" / "test"
DATABASE: Final = "leadswitch_chaos"
# A run with the product's own leases and reconcilers is smaller, because it waits longer.
PART_WITH_PRODUCTION: Final = 5
# Any number works as long as every run uses the same one.
LOCK_KEY: Final = 0x6C73_6368_616F
SECRET: Final = "not-a-secret-but-long-enough-to-be-accepted"


def main() -> int:
    options = read_options()
    had_services = set(service_states(VAR_DIR).values()) != {"stopped"}
    ensure_services(VAR_DIR, durable=False)  # so that several runs in a row do not stop them
    try:
        if options.protections:
            return miss_each(part=options.part, seed=options.seed, report=options.json)
        return run_once(options)
    finally:
        if not had_services:
            stop_services(VAR_DIR)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--leads", type=int, default=5_000)
    parser.add_argument(
        "--kills",
        type=int,
        default=200,
        help="of workers; the other faults come in proportion, and each other part has twice as many kills",
    )
    parser.add_argument("--part", choices=("leads", *PARTS), help="only this part; default: all")
    parser.add_argument(
        "--rounds", type=int, default=200, help="of 200 claims at once, which part offers begins with"
    )
    parser.add_argument("--without", default="", metavar="NAME[,NAME]", help="take these protections away")
    parser.add_argument("--faults", default="", metavar="NAME[,NAME]", help="only these")
    parser.add_argument("--protections", action="store_true", help="take each protection away in turn")
    parser.add_argument(
        "--periods",
        choices=tuple(BY_NAME),
        help="of leases and reconcilers; default: first short, then production",
    )
    parser.add_argument(
        "--pile", type=int, default=200_000, help="leads of a paused workspace beside a flush"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there too")
    return parser.parse_args()


def run_once(options: argparse.Namespace) -> int:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="leadswitch.settings",
        LEADSWITCH_VAR_DIR=str(VAR_DIR),
        LEADSWITCH_ENV_FILE="",
        LEADSWITCH_EMBEDDED_FSYNC="false",
        LEADSWITCH_REDIS_PREFIX="chaos",
        LEADSWITCH_HTTPS="false",
        LEADSWITCH_LOG_LEVEL="WARNING",
        LEADSWITCH_ROLE="command",
        SECRET_KEY=SECRET,
        LEADSWITCH_IDENTITY_KEY=SECRET,
        LEADSWITCH_ENCRYPTION_KEY=SECRET,
        ALLOWED_HOSTS="testserver",
        DEBUG="false",
    )
    with own_database() as url:
        os.environ["DATABASE_URL"] = url
        import django

        django.setup()
        runs = make_runs(options)
        results = [runs[0]()]
    for each in runs[1:]:
        with own_database():
            results.append(each())
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return 1 if any(result["findings"] for result in results) else 0


def make_runs(options: argparse.Namespace) -> "list[Callable[[], dict[str, Any]]]":
    """What is asked for one of the parts leaves out the others."""
    is_narrowed = bool(options.faults or options.without or options.periods)
    runs: list[Callable[[], dict[str, Any]]] = []
    if options.part in (None, "leads"):
        runs += [partial(play, order) for order in make_orders(options)]
    for part in PARTS.values():
        if options.part == part.name or not (options.part or is_narrowed):
            runs += make_runs_of(part, options)
    return runs


def make_runs_of(part: Part, options: argparse.Namespace) -> "Iterator[Callable[[], dict[str, Any]]]":
    without = names_of(options.without, known=part.protections)
    if part.name == "offers" and options.rounds and not without:
        yield partial(play_crowds, rounds=options.rounds)
    yield partial(
        play_part, part, kills=int(options.kills * part.kills_per_worker), seed=options.seed, without=without
    )


def make_orders(options: argparse.Namespace) -> "list[Order]":
    from tests.chaos.faults import FAULTS
    from tests.chaos.plan import fitting
    from tests.chaos.protections import PROTECTIONS
    from tests.chaos.run import Order

    whole = Order(
        options.leads,
        options.kills,
        options.seed,
        without=names_of(options.without, known=PROTECTIONS),
        faults=names_of(options.faults, known=FAULTS),
        pile=options.pile,
    )
    if options.periods:
        refuse_unfit(whole.faults, BY_NAME[options.periods])
        return [replace(whole, periods=BY_NAME[options.periods])]
    second = replace(
        whole,
        leads=options.leads // PART_WITH_PRODUCTION,
        kills=options.kills // PART_WITH_PRODUCTION,
        periods=PRODUCTION,
    )
    return [whole, second] if fitting(whole.faults, PRODUCTION) else [whole]


def refuse_unfit(faults: tuple[str, ...], periods: Periods) -> None:
    """Raises SystemExit if one of the named faults has no visible effect with these periods."""
    from tests.chaos.plan import fitting

    if unfit := [name for name in faults if name not in fitting(faults, periods)]:
        sys.stderr.write(
            f"{', '.join(unfit)}: not with the {periods.name} periods, in which no worker may die; leave it out, or"
            " choose --periods short\n"
        )
        raise SystemExit(2)


def play(order: "Order") -> dict[str, Any]:
    """Show the run, with its findings as JSON."""
    from tests.chaos.report import as_json, show
    from tests.chaos.run import run

    with prepared(order.periods.name) as (directory, console):
        console.print(
            f"with {order.periods.name} leases and reconcilers: {order.leads:,} leads", highlight=False
        )
        result = run(
            order, directory=directory, on_progress=lambda text: console.print(text, highlight=False)
        )
    show(result, console=console)
    return as_json(result)


def play_part(part: Part, *, kills: int, seed: int, without: tuple[str, ...]) -> dict[str, Any]:
    """Show the run, with its findings as JSON."""
    with prepared(part.name) as (directory, console):
        return part.as_json(
            part.run(kills=kills, seed=seed, without=without, directory=directory, console=console)
        )


def play_crowds(*, rounds: int) -> dict[str, Any]:
    from tests.chaos.offers.crowds import as_json, run

    with prepared("crowds") as (_, console):
        return as_json(run(rounds, console=console))


@contextmanager
def prepared(name: str) -> "Iterator[tuple[Path, Console]]":
    """An empty directory for this run, a console, and the tables. Closes all connections at the end."""
    from django.core.management import call_command
    from django.db import connections

    from tests.support.console import make_console

    directory = VAR_DIR / "chaos" / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    call_command("migrate", verbosity=0, interactive=False)
    try:
        yield directory, make_console(sys.stdout)
    finally:
        connections.close_all()


def names_of(text: str, *, known: Any) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"there is no {', '.join(unknown)}: choose of {', '.join(known)}\n")
        raise SystemExit(2)
    return names


@contextmanager
def own_database() -> Iterator[str]:
    """An empty database on the test server, dropped afterwards. Raises SystemExit while another run uses it."""
    url = urlsplit(ensure_services(VAR_DIR, durable=False).database_url)
    host, user = unquote(url.hostname or ""), url.username
    name = sql.Identifier(DATABASE)
    with psycopg.connect(host=host, user=user, dbname="postgres", autocommit=True) as server:
        if server.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone() != (True,):
            sys.stderr.write("another chaos run is under way in this checkout\n")
            raise SystemExit(2)
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name)
        server.execute(drop)
        server.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield url._replace(path=f"/{DATABASE}").geturl()
        finally:
            server.execute(drop)
            # The next run may begin at once, but the server releases a closed session's lock only when it notices.
            server.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


if __name__ == "__main__":
    sys.exit(main())
