"""The REST API: places, reads, lists and ends calls, and answers wrongly if a fault says so."""

import asyncio
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from random import Random
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from tests.carrier.accounts import Account, Refused
from tests.carrier.callees import CALLEES
from tests.carrier.calls import API, PlacedCall
from tests.carrier.forms import read_form
from tests.carrier.listing import list_calls
from tests.carrier.records import Pairs, Request
from tests.carrier.world import World

REQUEST: Final = web.RequestKey("request", Request)
WORLD: Final = web.AppKey("world", World)
# Of requests that place no call, and of those that place one.
BEFORE: Final = ("throttle", "fail_before")
AFTER: Final = ("fail_after", "reset_after", "late_answer")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_api(world: World) -> web.Application:
    app = web.Application(middlewares=[record_request, answer_errors])
    app[WORLD] = world
    base = f"{API}/Accounts/{{account}}"
    app.router.add_get(f"{base}.json", read_account)
    app.router.add_post(f"{base}/Calls.json", place)
    app.router.add_get(f"{base}/Calls.json", list_page)
    app.router.add_get(f"{base}/Calls/{{sid}}.json", read)
    app.router.add_post(f"{base}/Calls/{{sid}}.json", end)
    app.router.add_get(f"{base}/Recordings/{{sid}}.wav", download)
    return app


@web.middleware
async def record_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Before it is handled: the record has it even if it is never answered."""
    record = Request(
        time.time(),
        request.method,
        request.path,
        parse_qsl(request.query_string, keep_blank_values=True),
        parse_qsl(await request.text(), keep_blank_values=True),
    )
    request[REQUEST] = record
    request.app[WORLD].record.requests.append(record)
    answer = await handler(request)
    record.status = record.status or answer.status
    return answer


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as error:
        return refuse(request, error)
    except web.HTTPException as error:
        return refuse(request, Refused(20404, request.path)) if error.status == 404 else error


def refuse(request: web.Request, error: Refused) -> web.Response:
    world = request.app[WORLD]
    headers = {"Retry-After": f"{world.settings.retry_after_seconds:g}"} if error.status == 429 else {}
    document = {
        "code": error.code,
        "message": error.message,
        "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
        "status": error.status,
    }
    return web.json_response(document, status=error.status, headers=headers)


def authenticate(request: web.Request) -> Account:
    """Raises Refused."""
    account = request.app[WORLD].accounts.get(request.match_info["account"])
    if account is None:
        raise Refused(20003)
    wanted = f"Basic {b64encode(f'{account.sid}:{account.token}'.encode()).decode()}"
    if not compare_digest(request.headers.get("Authorization", "").encode(), wanted.encode()):
        raise Refused(20003)
    return account


def find(request: web.Request) -> PlacedCall:
    """Raises Refused."""
    account = authenticate(request)
    call = request.app[WORLD].calls.get(request.match_info["sid"])
    if call is None or call.account is not account:
        raise Refused(20404, request.path)
    return call


async def place(request: web.Request) -> web.StreamResponse:
    account, world = authenticate(request), request.app[WORLD]
    form = read_form(request[REQUEST].form)
    callee = world.choose_callee(form["To"][0])
    world.dials += 1
    fault = choose_fault(world, callee)
    if fault == "throttle":
        raise Refused(20429)
    if fault == "fail_before":
        return web.json_response({"code": 20503, "message": "Service unavailable", "status": 503}, status=503)
    call = world.place(account, form, callee=callee)
    request[REQUEST].sid = call.sid
    return await answer_placed(request, call, fault)


def choose_fault(world: World, callee: str) -> str:
    """By the callee, else by the rates and the number of the request."""
    if CALLEES[callee].fault:
        return CALLEES[callee].fault
    drawn = Random(f"{world.settings.seed}:dial:{world.dials}").random()
    for name in (*BEFORE, *AFTER):
        rate = getattr(world.settings, name)
        if drawn < rate:
            return name
        drawn -= rate
    return ""


async def answer_placed(request: web.Request, call: PlacedCall, fault: str) -> web.StreamResponse:
    request[REQUEST].status = fault
    answer = web.json_response(call.describe(), status=201)
    match fault:
        case "fail_after":
            return web.json_response({"code": 20500, "message": "Internal server error"}, status=500)
        case "late_answer":
            await asyncio.sleep(request.app[WORLD].settings.late_ms / 1000)
        case "reset_after":
            return cut(request, b"")
        case "garbage":
            return cut(request, b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        case "cut_answer":
            body = answer.body if isinstance(answer.body, bytes) else b""
            head = f"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            return cut(request, head.encode() + body[:-20])
        case "unread":
            return web.Response(text="<html>Created</html>", status=201, content_type="text/html")
        case "no_sid":
            return web.json_response({"status": "queued"}, status=201)
        case _:
            request[REQUEST].status = 201
    return answer


def cut(request: web.Request, data: bytes) -> web.StreamResponse:
    """Send this and no more. Without data the connection is reset."""
    transport = request.transport
    if transport is not None and data:
        transport.write(data)
        transport.close()
    elif transport is not None:
        transport.abort()
    return web.Response(status=500)


async def read_account(request: web.Request) -> web.StreamResponse:
    account = authenticate(request)
    document = {"sid": account.sid, "friendly_name": "Tests", "status": "active", "type": "Full"}
    return web.json_response(document)


async def read(request: web.Request) -> web.StreamResponse:
    return web.json_response(find(request).describe())


async def list_page(request: web.Request) -> web.StreamResponse:
    account = authenticate(request)
    calls = [call for call in request.app[WORLD].calls.values() if call.account is account]
    return web.json_response(list_calls(calls, request[REQUEST].query, path=request.path))


async def end(request: web.Request) -> web.StreamResponse:
    call = find(request)
    form: Pairs = request[REQUEST].form
    if form not in ([("Status", "completed")], [("Status", "canceled")]):
        raise Refused(20001, ", ".join(name for name, _ in form))
    request.app[WORLD].end(call, form[0][1])
    return web.json_response(call.describe())


async def download(request: web.Request) -> web.StreamResponse:
    account = authenticate(request)
    sound = request.app[WORLD].recordings.sounds.get((account.sid, request.match_info["sid"]))
    if sound is None:
        raise Refused(20404, request.path)
    return web.Response(body=sound, content_type="audio/x-wav")
