"""Runs every command of docs/buyers-day.md with curl against a real server, and compares the status it names."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distribution.models import BuyerScope, Enrollment, LedgerEntry, ReturnRequest
from tests.browser.product import serve_product
from tests.support.factories import issue_buyer_key
from tests.support.portal_scene import PortalScene, build_portal_scene

pytestmark = pytest.mark.usefixtures("committed_db")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "buyers-day.md"
STEP = re.compile(r"^```\n(curl .*?)\n```\n\nAnswer `(\d{3})`", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^curl ", re.MULTILINE)
EXPORTED = re.compile(r"export (\w+)=\.\.\.")


def steps() -> list[tuple[str, int]]:
    return [(command, int(status)) for command, status in STEP.findall(PAGE.read_text())]


@pytest.fixture
def scene(committed_db: None) -> PortalScene:  # noqa: ARG001
    return build_portal_scene()


@pytest.fixture
def base(scene: PortalScene, tmp_path: Path) -> Iterator[str]:  # noqa: ARG001 - it looks at what is committed
    with serve_product(log_file=tmp_path / "web.log") as address:
        yield f"{address}/api/v1/buyer"


def test_every_command_has_its_answer() -> None:
    assert len(steps()) == len(COMMAND.findall(PAGE.read_text())) >= 15
    assert set(EXPORTED.findall(PAGE.read_text())) == {"KEY", *FOUND}


# What the page says to export: from the JSON of an answer, or its head.
FOUND: dict[str, Any] = {
    "CAMPAIGN": lambda body, _: body["enrollments"][0]["campaign"]["id"],
    "OFFER": lambda body, _: body["results"][0]["id"],
    "ASSIGNMENT": lambda body, _: body["results"][0]["id"],
    "SINCE": lambda body, _: body["next_since"],
    "RETURN": lambda body, _: body["id"],
    "VERSION": lambda _, head: re.findall(r'^etag: (".*")', head, re.IGNORECASE | re.MULTILINE)[0],
}


def run(command: str, variables: dict[str, str], directory: Path) -> tuple[int, Any, str]:
    """Status, JSON and head of the answer. `-i` would put the head into the body."""
    head, body = directory / "head", directory / "body"
    options = f'-sS -D "{head}" -w "%{{http_code}}" -o "{body}"'
    text = command.replace("curl -i ", "curl ").replace("curl ", f"curl {options} ", 1)
    done = subprocess.run(
        ["/bin/bash", "-euc", text],
        env={**os.environ, **variables, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return int(done.stdout), json.loads(body.read_text()), head.read_text()


def test_day_can_be_played(scene: PortalScene, base: str, tmp_path: Path) -> None:
    key = issue_buyer_key(scene.buyer, scopes=list(BuyerScope))
    variables = {"BASE": base, "KEY": key}
    page = PAGE.read_text()
    at = 0
    for command, status in steps():
        got, body, head = run(command, variables, tmp_path)
        assert got == status, (command, body)
        at = page.index(command, at) + len(command)
        following = page[at:].split("\n```\ncurl", 1)[0]
        variables |= {name: FOUND[name](body, head) for name in EXPORTED.findall(following)}
    place = Enrollment.objects.get(campaign__public_id=variables["CAMPAIGN"], buyer=scene.buyer)
    assert (place.cap_day, place.budget_week_cents) == (20, 90_000)
    assert ReturnRequest.objects.filter(assignment__lead=scene.sold.lead).count() == 1
    charged = LedgerEntry.objects.filter(wallet__buyer=scene.buyer, assignment__lead=scene.offer.lead)
    assert charged.count() == 1, "the claim that was sent twice is charged once"
