"""The control of the carrier, on a port of its own: it answers also while the API is away."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from tests.carrier.accounts import Account
from tests.carrier.door import Door
from tests.carrier.settings import BadSettings
from tests.carrier.world import World

WORLD: Final = web.AppKey("world", World)
DOOR: Final = web.AppKey("door", Door)
ACTS: Final = re.compile(r"answer|busy|no-answer|failed|hang_up|no_key|press:[0-9*#]")
NOTICES: Final = ("sent", "held", "lost")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_control(world: World, door: Door) -> web.Application:
    app = web.Application(middlewares=[answer_mistakes])
    app[WORLD], app[DOOR] = world, door
    app.router.add_patch("/settings", change_settings)
    app.router.add_put("/accounts/{sid}", change_account)
    app.router.add_put("/callees/{number}", set_callees)
    app.router.add_put("/numbers/{number}", refuse_number)
    app.router.add_post("/calls/{sid}/act", act)
    app.router.add_post("/away", go_away)
    app.router.add_post("/back", come_back)
    app.router.add_post("/reset", reset)
    app.router.add_get("/record", describe)
    return app


@web.middleware
async def answer_mistakes(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadSettings as error:
        return web.Response(text=str(error), status=400)


async def read_object(request: web.Request, *names: str) -> dict[str, Any]:
    """Raises BadSettings for another name."""
    found = await request.json()
    if not isinstance(found, dict) or (names and found.keys() - set(names)):
        raise BadSettings(f"use only {', '.join(names)}")
    return found


async def change_settings(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    world.settings = world.settings.changed(await read_object(request))
    return web.Response(status=204)


async def change_account(request: web.Request) -> web.StreamResponse:
    """A new one begins without a token."""
    accounts, sid = request.app[WORLD].accounts, request.match_info["sid"]
    account = accounts.get(sid) or Account(sid, "")
    account.change(await read_object(request))
    accounts[sid] = account
    return web.Response(status=204)


async def set_callees(request: web.Request) -> web.StreamResponse:
    names = await request.json()
    if not isinstance(names, list):
        raise BadSettings("the callees are a list of names")
    request.app[WORLD].set_callees(request.match_info["number"], names)
    return web.Response(status=204)


async def refuse_number(request: web.Request) -> web.StreamResponse:
    error = (await read_object(request, "error")).get("error")
    if not isinstance(error, int):
        raise BadSettings("error is the code of an error, or 0")
    request.app[WORLD].refused_numbers[request.match_info["number"]] = error
    return web.Response(status=204)


async def act(request: web.Request) -> web.StreamResponse:
    call = request.app[WORLD].calls.get(request.match_info["sid"])
    asked = str((await read_object(request, "act")).get("act"))
    if call is None or not call.callee.is_manual:
        raise BadSettings("there is no such call with a callee who waits for an act")
    if not ACTS.fullmatch(asked):
        raise BadSettings(f"a callee cannot do this: {asked}")
    call.acts.put_nowait(asked)
    return web.Response(status=204)


async def go_away(request: web.Request) -> web.StreamResponse:
    asked = await read_object(request, "seconds", "notices")
    notices = asked.get("notices", "sent")
    if notices not in NOTICES:
        raise BadSettings(f"notices are one of {', '.join(NOTICES)}")
    await request.app[DOOR].close(seconds=asked.get("seconds"))
    notifier = request.app[WORLD].notifier
    notifier.is_lost = notices == "lost"
    if notices != "sent":
        notifier.present.clear()
    return web.Response(status=204)


async def come_back(request: web.Request) -> web.StreamResponse:
    await request.app[DOOR].open()
    return web.Response(status=204)


async def reset(request: web.Request) -> web.StreamResponse:
    await request.app[DOOR].open()
    request.app[WORLD].reset()
    return web.Response(status=204)


async def describe(request: web.Request) -> web.StreamResponse:
    world = request.app[WORLD]
    calls = [call.record() for call in world.calls.values()]
    return web.json_response({"calls": calls, **world.record.describe()})
