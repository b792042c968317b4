"""An answered call: fetches our script, performs it, and presses keys for the callee."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from tests.carrier.calls import PlacedCall
from tests.carrier.notices import describe_call
from tests.carrier.posting import Poster
from tests.carrier.records import Notice, Pairs, Record
from tests.carrier.scripts import BadScript, Verb, read_script
from tests.carrier.settings import Settings

MOST_DOCUMENTS: Final = 20
NO_KEY: Final = "-"
GATHER_SECONDS: Final = "5"


class HungUp(Exception):
    """The callee hangs up."""


@dataclass(frozen=True, slots=True)
class Next:
    """The document to fetch."""

    url: str
    kind: str = "script"
    fields: tuple[tuple[str, str], ...] = ()


class Talk:
    def __init__(
        self, call: PlacedCall, *, poster: Poster, settings: Callable[[], Settings], record: Record
    ) -> None:
        self._call = call
        self._poster = poster
        self._settings = settings
        self._record = record

    async def run(self) -> str:
        """Return who ended the call: the callee, the script, or the carrier, which could not perform it."""
        following: Next | None = Next(self._call.value("Url"))
        try:
            for _ in range(MOST_DOCUMENTS):
                if following is None:
                    return "script"
                text = await self._fetch(following)
                following = await self._perform(read_script(text), url=following.url)
            self._call.problem = "too many documents"
        except HungUp:
            return "callee"
        except BadScript as error:
            self._call.problem = str(error)
        return "carrier"

    async def _fetch(self, following: Next) -> str:
        """Raises BadScript."""
        if not following.url and self._call.value("Twiml"):
            return self._call.value("Twiml")
        fields: Pairs = [*describe_call(self._call, "in-progress"), *following.fields]
        notice = Notice(self._call.sid, following.kind, "", 0, time.time())
        self._record.notices.append(notice)
        answers = await self._poster.post(following.url, fields, account=self._call.account)
        notice.tries += [str(answer.status) for answer in answers]
        if not answers[-1].is_success:
            raise BadScript(f"the script's answer is {answers[-1].status}")
        return answers[-1].body

    async def _perform(self, verbs: Sequence[Verb], *, url: str) -> Next | None:
        """Return what to fetch next. None: the call ends."""
        for verb in verbs:
            match verb.name:
                case "Hangup":
                    return None
                case "Redirect":
                    return Next(urljoin(url, verb.text))
                case "Gather":
                    if found := await self._gather(verb, url=url):
                        return found
                case _:
                    await self._speak(verb)
        return None

    async def _speak(self, verb: Verb) -> None:
        if verb.name == "Pause":
            await self._wait_seconds(verb.options.get("length", "1"))
        else:
            await asyncio.sleep(self._settings().say_ms / 1000)
        if self._call.callee.hangs_up:
            raise HungUp

    async def _gather(self, verb: Verb, *, url: str) -> Next | None:
        """None: no key was pressed in time, and the script goes on."""
        for each in verb.nested:
            await self._speak(each)
        action = urljoin(url, verb.options.get("action", url))
        digits = await self._press(verb)
        if digits or verb.options.get("actionOnEmptyResult") == "true":
            self._call.keys += digits
            return Next(action, "keys", (("Digits", digits), ("FinishedOnKey", "")))
        return None

    async def _press(self, verb: Verb) -> str:
        """Return the key that the callee presses, or an empty text after the time of the question."""
        call = self._call
        if call.callee.is_manual:
            return await self._press_by_hand()
        key = call.callee.keys[call.questions : call.questions + 1]
        call.questions += 1
        if key in ("", NO_KEY):
            await self._wait_seconds(verb.options.get("timeout", GATHER_SECONDS))
            return ""
        await asyncio.sleep(self._settings().key_ms / 1000)
        return key

    async def _press_by_hand(self) -> str:
        act = await self._call.acts.get()
        if act == "hang_up":
            raise HungUp
        return "" if act == "no_key" else act.removeprefix("press:")

    async def _wait_seconds(self, seconds: str) -> None:
        await asyncio.sleep(float(seconds) * self._settings().second_ms / 1000)
