"""The process: two ports and one event loop."""

import asyncio
import json
import sys
from collections.abc import Sequence

from aiohttp import web

from tests.carrier.accounts import Account
from tests.carrier.api import make_api
from tests.carrier.control import make_control
from tests.carrier.door import Door
from tests.carrier.world import World


async def run_server(accounts: Sequence[Account], *, host: str, port: int, control_port: int) -> None:
    """Print the ports, and serve until stdin ends: with the process that started this one."""
    world = World(accounts)
    api = web.AppRunner(make_api(world), access_log=None)
    await api.setup()
    door = Door(api, host, world.notifier.present.set)
    await door.open(port)
    world.recordings.base = f"http://{host}:{door.port}"
    control = web.AppRunner(make_control(world, door), access_log=None)
    await control.setup()
    await web.TCPSite(control, host, control_port).start()
    ports = {"port": door.port, "control_port": control.addresses[0][1]}
    print(json.dumps(ports), flush=True)  # noqa: T201
    try:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    finally:
        await world.close()
        await control.cleanup()
        await api.cleanup()
