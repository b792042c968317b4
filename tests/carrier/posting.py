"""Posts forms to the product: signed, with timeouts and retries as the fragment of the URL asks."""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urldefrag, urlencode
from uuid import uuid4

import aiohttp
from yarl import URL

from tests.carrier.accounts import Account
from tests.carrier.records import Pairs
from tests.carrier.signatures import sign

FORM: Final = "application/x-www-form-urlencoded"
TIMEOUTS: Final = aiohttp.ClientTimeout(total=15, connect=5, sock_read=15)
CONNECT, READ = "connect", "read"
RETRY_SECONDS: Final = 0.05
MOST_RETRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """`status`: of HTTP, or what failed: connect, read."""

    status: int | str
    body: str = ""

    @property
    def is_success(self) -> bool:
        return isinstance(self.status, int) and 200 <= self.status < 300


class Poster:
    """One for the process. Made inside its event loop."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=TIMEOUTS, connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=1)
        )
        self._turn = 0

    async def post(self, url: str, fields: Pairs, *, account: Account, token: str = "") -> list[Answer]:
        """Return the answer to each try. The same token for each: receivers know a repeated notice by it."""
        address, fragment = urldefrag(url)
        overrides = parse_qs(fragment)
        retries = min(int(overrides.get("rc", ["1"])[0]), MOST_RETRIES)
        policy = set(overrides.get("rp", ["ct"])[0].split(","))
        self._turn += 1
        headers = {
            **sign(address, fields, account=account, turn=self._turn),
            "I-Twilio-Idempotency-Token": token or str(uuid4()),
            "Content-Type": f"{FORM}; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
        }
        answers = [await self._try(address, urlencode(fields), headers)]
        while len(answers) <= retries and is_retried(answers[-1], policy):
            await asyncio.sleep(RETRY_SECONDS)
            answers.append(await self._try(address, urlencode(fields), headers))
        return answers

    async def _try(self, url: str, body: str, headers: dict[str, str]) -> Answer:
        try:
            async with self._session.post(
                URL(url, encoded=True), data=body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                return Answer(answer.status, await answer.text())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Answer(CONNECT)
        except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
            return Answer(READ)

    async def close(self) -> None:
        await self._session.close()


def is_retried(answer: Answer, policy: set[str]) -> bool:
    """`rp`: ct (no connection), rt (no answer), 4xx, 5xx, all."""
    match answer.status:
        case "connect":
            kind = "ct"
        case "read":
            kind = "rt"
        case int() as status if status >= 400:
            kind = f"{status // 100}xx"
        case _:
            return False
    return bool(policy & {kind, "all"})
