"""Signed messages are verified by the npm package standardwebhooks, which is not our code."""

import json
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from distribution.deliveries.payloads.requests import prepare_webhook
from distribution.deliveries.payloads.signing import SigningSecret
from distribution.deliveries.payloads.webhook import write_lead
from tests.support.machine import node, node_modules
from tests.unit.deliveries.payload_leads import MESSAGE_ID, make_lead

SCRIPT: Final = Path(__file__).parents[2] / "node" / "verify.cjs"
OLD, NEW, OTHER = SigningSecret.generate(), SigningSecret.generate(), SigningSecret.generate()


def verify(body: bytes, headers: Mapping[str, str], *, secret: SigningSecret) -> tuple[int, str]:
    message = {"secret": secret.write(), "headers": dict(headers), "body": body.decode()}
    done = subprocess.run(
        [node(), str(SCRIPT)],
        input=json.dumps(message),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NODE_PATH": str(node_modules())},
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def sign(*signing: SigningSecret, at: datetime | None = None) -> tuple[bytes, dict[str, str]]:
    body = write_lead(make_lead(city="Cañon \N{GRINNING FACE}"), at=datetime.now(UTC))
    request = prepare_webhook(
        body, url="https://x.example", message_id=MESSAGE_ID, at=at or datetime.now(UTC), signing=signing
    )
    return request.body, dict(request.headers)


def test_message_is_verified_with_each_secret_while_they_rotate() -> None:
    body, headers = sign(NEW, OLD)
    for secret in (NEW, OLD):
        code, output = verify(body, headers, secret=secret)
        assert (code, json.loads(output)) == (0, json.loads(body))
    assert verify(body, headers, secret=OTHER) == (1, "No matching signature found")


def test_changed_or_old_message_is_refused() -> None:
    body, headers = sign(NEW)
    assert verify(body + b" ", headers, secret=NEW) == (1, "No matching signature found")
    body, headers = sign(NEW, at=datetime.now(UTC) - timedelta(minutes=6))
    assert verify(body, headers, secret=NEW) == (1, "Message timestamp too old")
