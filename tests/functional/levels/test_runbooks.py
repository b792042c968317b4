"""The commands of each runbook print what the page promises, against a product in the state of the page."""

import re
import shlex
from collections import Counter
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Final

import pytest
from django.core.management import CommandError, call_command

from leadswitch.embedded import redis as embedded_redis
from leadswitch.env import REPOSITORY
from tests.support.factories import CampaignFactory, LeadFactory, SourceFactory, enroll
from tests.support.own_redis import using_own_redis
from tests.support.processes import child_environment
from tests.support.runbook_faults import LEADER, OTHER, Product, overdue_leads
from tests.support.runbook_state import State
from tests.support.runbook_states import STATES
from tests.support.runbooks import PAGES, join_words, read_commands, read_promises, read_quoted_commands
from tests.support.warm.started import run_python

STATE_OF_PAGE: Final = {page: state for state in STATES for page in state.pages}


def make_product(directory: Path) -> Product:
    campaign = CampaignFactory(workspace__dispatch_mode="event")
    enroll(campaign, count=1, credits_cents=10_000)
    lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace))
    return Product(campaign, lead, directory)


def run(command: str, product: Product, state: State) -> tuple[int, str]:
    """The exit code and the output. A program of its own runs where variables are wrong."""
    program, *arguments = shlex.split(
        command.replace("LEAD", str(product.lead.public_id)).replace("SLUG", product.lead.workspace.slug)
    )
    if program == "manage.py" and not state.environment:
        return call_here(*arguments)
    variables = {"LEADSWITCH_VAR_DIR": str(product.directory), **state.environment}
    command = [program, *arguments] if program == "manage.py" else arguments
    done = run_python(*command, cwd=REPOSITORY, env=child_environment(**variables))
    return done.returncode, done.stdout + done.stderr


def call_here(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    return 0, out.getvalue()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
@pytest.mark.usefixtures("committed_db", "redis_client")
def test_commands_print_what_the_pages_promise(state: State, tmp_path: Path) -> None:
    product = make_product(tmp_path)
    values = {
        "LEAD": str(product.lead.public_id),
        "SLUG": product.lead.workspace.slug,
        "LEADER": LEADER,
        "OTHER": OTHER,
    }
    with ExitStack() as stack:
        for fault in state.brought_by:
            stack.enter_context(fault(product))
        for command, promise in state.prints.items():
            code, output = run(command, product, state)
            assert code == promise.exit_code, f"{command}:\n{output}"
            assert promise.make_pattern(values).search(join_words(output)), f"{command}:\n{output}"
            assert "Traceback" not in output
        for command in list_changes(state):
            code, output = run(command, product, state)
            assert code == 0, f"{command}:\n{output}"


def list_changes(state: State) -> list[str]:
    """Commands of the text of its pages that repair, pause or resume, beside the first three."""
    quoted = {each for page in PAGES if page.stem in state.pages for each in read_quoted_commands(page)}
    changes = {each for each in quoted if re.search(r" --fix| pause | resume ", each)}
    return sorted(changes - set(state.prints))


@pytest.mark.usefixtures("committed_db", "redis_client")
def test_commands_of_redis_lost_repair_once_redis_is_back(tmp_path: Path) -> None:
    product = make_product(tmp_path)
    [page] = [page for page in PAGES if page.stem == "redis-lost"]
    with overdue_leads(product), using_own_redis(tmp_path) as redis:
        embedded_redis.stop(redis)
        embedded_redis.start(redis)

        _, *repairs = [run(command, product, STATE_OF_PAGE["redis-lost"]) for command in read_commands(page)]

    assert [code for code, _ in repairs] == [0, 0]
    schedule, _pauses = (join_words(output) for _, output in repairs)
    assert re.search(r"schedule 20 20 20 \S+ ", schedule), schedule


def test_every_page_has_one_state() -> None:
    assert sorted(STATE_OF_PAGE) == [page.stem for page in PAGES]
    assert set(Counter(page for state in STATES for page in state.pages).values()) == {1}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_quotes_what_its_commands_print(page: Path) -> None:
    prints = STATE_OF_PAGE[page.stem].prints
    assert read_promises(page) == {command: prints[command] for command in read_commands(page)}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_command_of_a_state_is_on_one_of_its_pages(state: State) -> None:
    pages = [page for page in PAGES if page.stem in state.pages]
    assert {command for page in pages for command in read_commands(page)} == set(state.prints)
