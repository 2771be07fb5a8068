"""The connection manager of FastAPI's tutorial on WebSockets, with rooms, on uvicorn.

POST /publish/<room> sends to each member of the room in turn. Run: python fastapi_manager.py PORT
"""

import sys
from collections import defaultdict

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect


class ConnectionManager:
    def __init__(self) -> None:
        self.rooms: dict[str, list[WebSocket]] = defaultdict(list)

    async def connect(self, room: str, websocket: WebSocket) -> None:
        await websocket.accept()
        self.rooms[room].append(websocket)

    def disconnect(self, room: str, websocket: WebSocket) -> None:
        self.rooms[room].remove(websocket)

    async def broadcast(self, room: str, message: str) -> None:
        for connection in list(self.rooms[room]):
            await connection.send_text(message)


app = FastAPI()
manager = ConnectionManager()


@app.websocket("/ws/{room}")
async def follow(websocket: WebSocket, room: str) -> None:
    await manager.connect(room, websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.disconnect(room, websocket)


@app.post("/publish/{room}")
async def publish(room: str, request: Request) -> Response:
    await manager.broadcast(room, (await request.body()).decode())
    return Response(status_code=204)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        backlog=1024,
        log_level="warning",
        access_log=False,
    )
