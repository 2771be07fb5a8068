/* socket.io on Node with connection state recovery. POST /publish/<room> emits to the room.
   Run: node socketio_node.cjs PORT, with NODE_PATH set to where socket.io is. */
const { createServer } = require("node:http");
const { Server } = require("socket.io");

const http = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const room = request.url.split("/").pop();
    io.to(room).emit("event", JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(204).end();
  });
});
const io = new Server(http, { connectionStateRecovery: {} });
io.on("connection", (socket) => {
  if (!socket.recovered) socket.join(socket.handshake.query.room);
});
http.listen(Number(process.argv[2]), "127.0.0.1", 1024);
