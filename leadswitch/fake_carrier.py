"""The carrier of the tests beside the demo or `make up`: a process of its own that rings, answers and presses keys.

It is in tests/ of a checkout, outside the product. No phone rings.
"""

import http.client
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from leadswitch.env import REPOSITORY

MODULE: Final = "tests.carrier"
NEEDS: Final = "aiohttp"
HOST: Final = "127.0.0.1"
ACCOUNT_SID: Final = "ACfakecarrier000000000000000000001"
AUTH_TOKEN: Final = "token-of-the-fake-carrier"  # noqa: S105 - it can be reached from this machine alone
CONTROL_SECONDS: Final = 10.0
# What the last two digits of a called number do.
CALLEES: Final = (
    "01 confirms, 02 declines, 03 presses no key, 04 is voicemail, 05 is busy, 06 does not answer"
)


class CarrierNotStarted(RuntimeError):
    """It cannot run here. The message says why."""


@dataclass(frozen=True, slots=True)
class FakeCarrier:
    port: int
    control_port: int

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def configure(self, **settings: Any) -> None:
        self._control("PATCH", "settings", settings)

    def set_callees(self, number: str, *names: str) -> None:
        """What answers each call to this number, in turn. The last one is repeated."""
        self._control("PUT", f"callees/{number}", names)

    def _control(self, method: str, path: str, body: object) -> None:
        client = http.client.HTTPConnection(HOST, self.control_port, timeout=CONTROL_SECONDS)
        try:
            client.request(method, f"/{path}", json.dumps(body), {"Content-Type": "application/json"})
            response = client.getresponse()
            text = response.read()
        finally:
            client.close()
        if response.status >= http.client.BAD_REQUEST:
            raise CarrierNotStarted(f"the fake carrier refused {path}: {text[:200].decode(errors='replace')}")


def make_environment(base_url: str) -> Mapping[str, str]:
    """With which the product calls the carrier on this machine, and the carrier calls back."""
    return {"LEADSWITCH_BASE_URL": base_url, "LEADSWITCH_OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8"}


@contextmanager
def running_carrier() -> Iterator[FakeCarrier]:
    """It is stopped afterwards, or when this process ends. Raises CarrierNotStarted."""
    if not is_present():
        raise CarrierNotStarted("The fake carrier is part of the tests, and they are not installed here.")
    command = [sys.executable, "-m", MODULE, "--account", f"{ACCOUNT_SID}:{AUTH_TOKEN}"]
    # A group of its own: Ctrl-C reaches only this process, which then stops it.
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield FakeCarrier(**_read_ports(process))
        finally:
            process.terminate()


def is_present() -> bool:
    return (REPOSITORY / "tests" / "carrier").is_dir() and importlib.util.find_spec(NEEDS) is not None


def _read_ports(process: "subprocess.Popen[str]") -> dict[str, int]:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    line = process.stdout.readline()
    if not line:
        raise CarrierNotStarted("The fake carrier did not start; see the lines above.")
    ports: dict[str, int] = json.loads(line)
    return ports
