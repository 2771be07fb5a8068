"""System C: its Python example.

usage: websocket_client.py BASE_URL TOKEN SESSION_ID
"""

import json
import sys
import threading

import socketio

base_url, token, session_id = sys.argv[1:]
sio = socketio.Client()
one_line = threading.Lock()


def show(event, data):
    # Each event's handler runs in a thread of its own, and `print` writes the end of a line
    # apart from the line.
    with one_line:
        print(json.dumps({"event": event, "data": data}), flush=True)


@sio.event
def connect():
    show("connect", {})
    sio.emit("subscribe", session_id)


@sio.event
def connect_error(data):
    show("connect_error", data)


@sio.event
def disconnect(reason):
    show("disconnect", {"reason": reason})


@sio.on("connected")
def on_connected(data):
    show("connected", data)


@sio.on("subscribed")
def on_subscribed(data):
    show("subscribed", data)


@sio.on("progress")
def on_progress(data):
    show("progress", data)


@sio.on("model_result")
def on_model_result(data):
    show("model_result", data)


@sio.on("clarification")
def on_clarification(data):
    show("clarification", data)


@sio.on("completed")
def on_completed(data):
    show("completed", data)
    sio.disconnect()


@sio.on("error")
def on_error(data):
    show("error", data)
    sio.disconnect()


sio.connect(f"{base_url}?token={token}", socketio_path="/socket.io/")
sio.wait()
