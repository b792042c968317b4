"""The receivers of docs/deliveries.md run exactly as written there, as real processes, and get signed messages."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError

import pytest

from distribution.deliveries.payloads.requests import OutgoingRequest, prepare_webhook
from distribution.deliveries.payloads.signing import SigningSecret
from distribution.deliveries.payloads.webhook import write_lead
from leadswitch.env import REPOSITORY
from tests.support.machine import node, node_modules
from tests.support.ports import free_port
from tests.support.processes import pipe
from tests.support.waiting import wait_until
from tests.unit.deliveries.payload_leads import MESSAGE_ID, make_lead

LANGUAGES: Final = ("python", "js")
NO_ANSWER: Final = 0
SECRET, OLD_SECRET, WRONG_SECRET = (SigningSecret.generate() for _ in range(3))


def read_block(language: str) -> str:
    page = (REPOSITORY / "docs" / "deliveries.md").read_text()
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(block)


def place(language: str, folder: Path) -> list[str]:
    """Write the block to a file, with its package beside it as npm installs it. Returns the command."""
    if language == "python":
        (folder / "receiver.py").write_text(read_block(language))
        return [sys.executable, "receiver.py"]
    (folder / "receiver.cjs").write_text(read_block(language))
    (folder / "node_modules").symlink_to(node_modules())
    return [node(), "receiver.cjs"]


@contextmanager
def receiving(language: str, folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The process, and its address once it listens."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "WEBHOOK_SECRET": SECRET.write()}
    log = (folder / "log").open("w")
    with (
        log,
        subprocess.Popen(
            place(language, folder),
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        try:
            wait_until(lambda: can_connect(port), what=f"the receiver in {language}")
            yield process, f"http://127.0.0.1:{port}/leads"
        finally:
            process.kill()


def can_connect(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True


def post(request: OutgoingRequest, *, body: bytes | None = None) -> int:
    """The status, or NO_ANSWER if the connection is closed without one."""
    message = urllib.request.Request(  # noqa: S310
        request.url, data=body or request.body, headers=dict(request.headers), method=request.method
    )
    try:
        with urllib.request.urlopen(message, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return int(error.code)
    except (HTTPException, ConnectionError):
        return NO_ANSWER


def sign(url: str, *signing: SigningSecret) -> OutgoingRequest:
    at = datetime.now(UTC)
    body = write_lead(make_lead(city="Cañon City"), at=at)
    return prepare_webhook(body, url=url, message_id=MESSAGE_ID, at=at, signing=signing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_receiver_takes_signed_messages_and_no_other(language: str, tmp_path: Path) -> None:
    with receiving(language, tmp_path) as (process, url):
        forged = post(sign(url, WRONG_SECRET)), post(sign(url, SECRET), body=b'{"data":{}}')
        assert forged == ((NO_ANSWER,) * 2 if language == "python" else (500,) * 2)
        for signing in ([SECRET], [SECRET, OLD_SECRET], [OLD_SECRET, SECRET]):
            assert post(sign(url, *signing)) == 204
            assert pipe(process.stdout).readline() == f"{MESSAGE_ID} {make_lead().lead_id}\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_receiver_has_ten_lines(language: str) -> None:
    assert len([line for line in read_block(language).splitlines() if line.strip()]) == 10
