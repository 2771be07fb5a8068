// System C's example client as a program under Node, without a browser.
import { obey, tell } from "../driver.js";
import { SessionWebSocketClient } from "./websocket-client.js";

let client;
obey({
  connect: ({ transports }) => {
    client = new SessionWebSocketClient(process.env.LIVETRAIL, {
      token: process.env.TOKEN,
      transports,
      onEvent: (event, data) => tell({ event, data }),
    });
  },
  subscribe: ({ sessionId }) => client.subscribe(sessionId),
  unsubscribe: ({ sessionId }) => client.unsubscribe(sessionId),
  emit: ({ event, data }) => void client.socket.emit(event, data),
  state: ({ sessionId }) => client.sessions.get(sessionId),
  transport: () => client.socket.io.engine.transport.name,
  close: () => client.close(),
});
