"""Starts a carrier, controls it, and reads what happened there."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.support.plain_http import plain_client

if TYPE_CHECKING:
    import subprocess

SID: Final = "AC" + "0" * 31 + "1"
TOKEN: Final = "token-of-the-tests"
SIGNING_KEY: Final = "signing-key-of-the-tests"
ACCOUNT: Final = f"{SID}:{TOKEN}:{SIGNING_KEY}"


@dataclass(frozen=True, slots=True)
class Carrier:
    """A running carrier, with one account."""

    port: int
    control_port: int
    process: "subprocess.Popen[str]" = field(repr=False)
    account_sid: str = SID
    auth_token: str = TOKEN
    signing_key: str = SIGNING_KEY

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self, **settings: Any) -> None:
        self._control("PATCH", "settings", settings)

    def change_account(self, **changes: Any) -> None:
        self._control("PUT", f"accounts/{self.account_sid}", changes)

    def set_callees(self, number: str, *names: str) -> None:
        """One for each call to this number. The last one is repeated."""
        self._control("PUT", f"callees/{number}", names)

    def refuse_number(self, number: str, *, error: int) -> None:
        """Refuse calls from this number. 0: no longer."""
        self._control("PUT", f"numbers/{number}", {"error": error})

    def act(self, sid: str, act: str) -> None:
        """What a callee of the kind `manual` does next: answer, busy, no-answer, failed, press:1, no_key, hang_up."""
        self._control("POST", f"calls/{sid}/act", {"act": act})

    def go_away(self, *, seconds: float | None = None, notices: str = "sent") -> None:
        asked = {"notices": notices} if seconds is None else {"notices": notices, "seconds": seconds}
        self._control("POST", "away", asked)

    def come_back(self) -> None:
        self._control("POST", "back")

    def reset(self) -> None:
        self._control("POST", "reset")

    def record(self) -> dict[str, Any]:
        return dict(self._control("GET", "record"))

    def calls(self) -> Sequence[dict[str, Any]]:
        return list(self.record()["calls"])

    def requests(self, method: str = "") -> Sequence[dict[str, Any]]:
        return [each for each in self.record()["requests"] if not method or each["method"] == method]

    def notices(self, kind: str = "status") -> Sequence[dict[str, Any]]:
        return [each for each in self.record()["notices"] if each["kind"] == kind]

    def _control(self, method: str, path: str, body: object = None) -> Any:
        """Raises AssertionError with the carrier's message."""
        url = f"http://127.0.0.1:{self.control_port}/{path}"
        answer = plain_client().request(method, url, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@contextmanager
def start_carrier(*, port: int = 0, control_port: int = 0) -> Iterator[Carrier]:
    from tests.support.processes import pipe, started  # after the settings are loaded

    command = ("-m", "tests.carrier", "--port", str(port), "--control-port", str(control_port))
    with started(*command) as process:
        ports = json.loads(pipe(process.stdout).readline())
        yield Carrier(**ports, process=process)
