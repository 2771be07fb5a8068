"""Socket.IO: systems A, B and C, told by the hub over connections that python-socketio keeps."""
