"""System D: its test script. A token, a connection, pings, and what comes during an upload.

usage: websocket_script.py BASE_URL BEARER BATCH_ID
"""

import asyncio
import json
import sys
import urllib.request

import websockets


def websocket_token(base_url: str, bearer: str) -> str:
    asking = urllib.request.Request(
        f"{base_url}/api/v1/auth/websocket-token",
        data=b"",
        headers={"Authorization": f"Bearer {bearer}"},
        method="POST",
    )
    with urllib.request.urlopen(asking) as answer:
        return str(json.load(answer)["token"])


async def main(base_url: str, bearer: str, batch_id: str) -> None:
    token = websocket_token(base_url, bearer)
    print("Token generated", flush=True)
    url = base_url.replace("http", "ws") + f"/ws/upload-progress/{batch_id}?token={token}"
    async with websockets.connect(url) as websocket:
        connected = json.loads(await websocket.recv())
        print(json.dumps(connected), flush=True)
        await websocket.send(json.dumps({"type": "ping"}))
        print(await websocket.recv(), flush=True)
        await websocket.send("ping")
        print(await websocket.recv(), flush=True)
        async for message in websocket:
            data = json.loads(message)
            print(json.dumps(data), flush=True)
            if data["status"] in ("completed", "error"):
                return


asyncio.run(main(*sys.argv[1:]))
