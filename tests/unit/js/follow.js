/** The page's client and store under Node, against a running server. Run by
 *  tests/integration/test_page_client.py with --experimental-websocket:
 *
 *  LIVETRAIL_URL, LIVETRAIL_TOKEN, LIVETRAIL_ROOM   where, who, what
 *  LIVETRAIL_TRANSPORTS=sse,polling                 no WebSocket ever opens; what else there is
 *
 *  Writes a JSON object a line: {"event"}, {"state"}, {"gap"}, {"reset"}; told "end", it writes
 *  {"jobs": {id: folded state}} and ends.
 */

import { createInterface } from "node:readline";
import { createFileStatusStore } from "../../../static/sdk/store.js";
import { createClient } from "../../../static/sdk/client.js";

const { LIVETRAIL_URL: url, LIVETRAIL_TOKEN: token } = process.env;
const headers = { Authorization: `Bearer ${token}` };
const say = (message) => console.log(JSON.stringify(message));

class Socket extends WebSocket {
  constructor(address) {
    super(address, { headers });
  }
}

const store = createFileStatusStore({ onGap: (...gap) => say({ gap }) });
const path = process.env.LIVETRAIL_TRANSPORTS ? "/nowhere" : "/ws";
const client = createClient({
  server: url,
  url: url.replace("http", "ws") + path,
  transports: ["websocket", ...(process.env.LIVETRAIL_TRANSPORTS ?? "sse,polling").split(",")],
  rooms: [{ room: process.env.LIVETRAIL_ROOM ?? "user:me", after: 0 }],
  WebSocket: Socket,
  fetch: (address, request) =>
    fetch(address, { ...request, headers: { ...request.headers, ...headers } }),
  onEvent: (event) => {
    store.applyEvent(event);
    say({ event });
  },
  onState: (state) => say({ state }),
  onReset: () => {
    store.clearAll();
    say({ reset: true });
  },
  onSnapshot: store.applySnapshot,
});
client.start();

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "end") break;
}
client.stop();
const jobs = store.getAllStatuses().map((status) => [status.fileId, status.job]);
process.stdout.write(`${JSON.stringify({ jobs: Object.fromEntries(jobs) })}\n`, () => process.exit());
