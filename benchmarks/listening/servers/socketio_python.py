"""python-socketio on aiohttp. POST /publish/<room> emits to the room.

Run: python socketio_python.py PORT
"""

import sys
from typing import Any
from urllib.parse import parse_qs

import socketio
from aiohttp import web

sio = socketio.AsyncServer(async_mode="aiohttp")


@sio.event
async def connect(sid: str, environ: dict[str, Any], auth: object) -> None:
    await sio.enter_room(sid, parse_qs(environ["QUERY_STRING"])["room"][0])


async def publish(request: web.Request) -> web.Response:
    await sio.emit("event", await request.json(), room=request.match_info["room"])
    return web.Response(status=204)


if __name__ == "__main__":
    app = web.Application()
    sio.attach(app)
    app.add_routes([web.post("/publish/{room}", publish)])
    web.run_app(
        app, host="127.0.0.1", port=int(sys.argv[1]), backlog=1024, access_log=None, print=None
    )
