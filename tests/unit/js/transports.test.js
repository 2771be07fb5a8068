import assert from "node:assert/strict";
import { test } from "node:test";
import { attachToPage, createClient } from "../../../static/sdk/client.js";
import * as fallback from "../../../static/sdk/fallback.js";
import * as outbox from "../../../static/sdk/outbox.js";
import { Clock, event, network, settle, story } from "./support.js";

const ROOM = "user:me";
const LOG = "0193";
const JOB = "job-1";

/** A server of event streams: `asked` holds the address of each request, newest last. */
function streams() {
  const asked = [];
  const open = [];
  const posts = [];
  const answers = [];
  const fetch = async (address, request) => {
    const url = new URL(address, "http://test");
    if (request.method === "POST") {
      posts.push({ path: url.pathname, key: request.headers["Idempotency-Key"], body: request.body });
      const answer = answers.shift() ?? { status: 202, body: "{}" };
      if (answer.status === 0) throw new TypeError("network");
      const { status, body } = answer;
      return { ok: status < 300, status, headers: new Headers(), text: async () => body };
    }
    asked.push(url);
    const refusal = answers.shift();
    if (refusal) {
      const headers = new Headers(refusal.headers);
      return { ok: false, status: refusal.status, headers, text: async () => refusal.body ?? "" };
    }
    let control;
    const body = new ReadableStream({ start: (its) => (control = its) });
    request.signal.addEventListener("abort", () => control.error(request.signal.reason));
    open.push(control);
    return { ok: true, status: 200, headers: new Headers(), body };
  };
  const write = (text) => open.at(-1).enqueue(new TextEncoder().encode(text));
  return {
    fetch,
    asked,
    posts,
    answers,
    open,
    write,
    say(...messages) {
      const blocks = messages.map((one) => {
        const id = one.seq === undefined ? "" : `id: ${LOG}:${one.seq}\n`;
        return `${id}event: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`;
      });
      write(blocks.join(""));
    },
    welcome(facts = {}) {
      this.say({ type: "welcome", log: LOG, head: 0, user_id: "7", heartbeat: 30, ...facts });
    },
    end: () => open.at(-1).close(),
  };
}

/** Let a stream's bytes arrive: they take turns of the loop, not only of its promises. */
async function arrive() {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await settle();
  }
}

function begin(options = {}) {
  const clock = new Clock();
  const net = network();
  const server = streams();
  const told = { states: [], events: [], snapshots: [], errors: [], messages: [] };
  const client = createClient({
    url: "ws://test/ws",
    rooms: [{ room: ROOM, after: 0 }],
    transports: ["sse", "polling"],
    WebSocket: net.WebSocket,
    fetch: server.fetch,
    load: { fallback: async () => fallback, outbox: async () => outbox },
    timers: clock.timers,
    now: () => clock.now,
    random: () => 0.5,
    slices: { now: () => 0, pause: (run) => queueMicrotask(run) },
    onEvent: (one) => told.events.push(one.n),
    onState: (state) => told.states.push(state.name),
    onSnapshot: (job) => told.snapshots.push(job.job_id),
    onError: (error) => told.errors.push(error.code),
    onMessage: (message) => told.messages.push(message.type),
    ...options,
  });
  client.start();
  return { client, clock, net, server, told };
}

/** Begin, and be live on the stream. */
async function streaming(options = {}) {
  const page = begin(options);
  await arrive();
  page.server.welcome();
  page.server.say({ type: "live", room: "user:7", seq: 0 });
  await arrive();
  return page;
}

// event streams

test("an event stream tells what a socket would, from the place that was reached", async () => {
  const page = await streaming();
  assert.deepEqual(page.client.state, { name: "live", transport: "sse", latencyMs: null });
  assert.equal(page.server.asked[0].pathname, "/api/v1/events");
  assert.equal(page.server.asked[0].searchParams.get("after"), "0");
  page.server.say(...story(3));
  await arrive();
  assert.deepEqual(page.told.events, [1, 2, 3]);
  page.server.end();
  await arrive();
  assert.equal(page.client.state.name, "reconnecting");
  await page.clock.pass(page.client.state.inMs);
  await arrive();
  assert.equal(page.server.asked[1].searchParams.get("after"), `${LOG}:30`);
  page.server.welcome({ head: 50 });
  page.server.say(event(4), event(5), { type: "live", room: "user:7", seq: 50 });
  await arrive();
  assert.deepEqual(page.told.events, [1, 2, 3, 4, 5]);
  assert.ok(page.told.states.includes("catchingUp"));
});

test("blocks may arrive in any pieces, and what is no block of ours is passed over", async () => {
  const page = await streaming();
  const bytes = new TextEncoder().encode(
    `: heartbeat 3\n\nretry: 1000\n\nevent: job_created\ndata: ${JSON.stringify(event(1, "job_created", { filename: "Größe 😀" }))}\n\n`,
  );
  for (const byte of bytes) page.server.open.at(-1).enqueue(Uint8Array.of(byte));
  await arrive();
  for (let turn = 0; turn < 100 && page.told.events.length === 0; turn += 1) await arrive();
  assert.deepEqual(page.told.events, [1]);
});

test("a room that is followed later begins the stream anew with both", async () => {
  const page = await streaming();
  page.server.say(...story(2));
  await arrive();
  page.client.follow("job:9", 7);
  await arrive();
  const { searchParams } = page.server.asked.at(-1);
  assert.deepEqual(searchParams.getAll("room"), [ROOM, "job:9"]);
  assert.equal(searchParams.get("after"), `${LOG}:7`);
  page.server.welcome({ head: 20 });
  page.server.say(event(1), event(2), event(3));
  page.server.say({ type: "live", room: "user:7", seq: 30 }, { type: "live", room: "job:9", seq: 30 });
  await arrive();
  assert.deepEqual(page.told.events, [1, 2, 3]);
  assert.equal(page.client.state.name, "live");
  assert.equal(page.told.messages.filter((type) => type === "subscribed").length, 2);
});

test("a stream is asked for all its rooms at once: they are no messages to the server", async () => {
  const rooms = Array.from({ length: 30 }, (_, place) => ({ room: `job:${place}`, after: 0 }));
  const page = begin({ transports: ["sse"], rooms });
  await arrive();
  page.server.welcome({ limits: { messages_per_second: 10 } });
  page.server.say(...rooms.map(({ room }) => ({ type: "live", room, seq: 0 })));
  await arrive();
  const asked = page.told.messages.filter((type) => type === "subscribed");
  assert.equal(asked.length, 30);
  assert.equal(page.client.state.name, "live");
});

test("without a place the states come first", async () => {
  const page = begin({ rooms: [{ room: ROOM }] });
  await arrive();
  const { searchParams } = page.server.asked[0];
  assert.deepEqual([searchParams.get("snapshot"), searchParams.get("after")], ["true", null]);
  page.server.welcome({ head: 40 });
  page.server.say({ type: "snapshot", room: "user:7", job_id: JOB, state: { job_id: JOB, n: 3 } });
  page.server.say({ type: "live", room: "user:7", seq: 40 }, event(4));
  await arrive();
  assert.deepEqual([page.told.snapshots, page.told.events], [[JOB], [4]]);
  assert.ok(!page.told.states.includes("catchingUp"));
  assert.deepEqual(page.client.positions(), { [ROOM]: 40 });
});

test("a goodbye says when to come back, or that nobody is signed in", async () => {
  const page = await streaming();
  page.server.say({ type: "goodbye", code: 1012, message: "restarting", retry_after: 3.2 });
  await arrive();
  assert.equal(page.client.state.inMs, 3200);
  await page.clock.pass(3200);
  await arrive();
  page.server.welcome();
  page.server.say({ type: "goodbye", code: 4001, message: "the session was ended" });
  await arrive();
  assert.equal(page.client.state.name, "signedOut");
});

test("a stream that says nothing for two and a half heartbeats is given up", async () => {
  const page = await streaming();
  await page.clock.pass(60_000);
  page.server.write(": heartbeat 1\n\n");
  await arrive();
  await page.clock.pass(74_000);
  assert.equal(page.client.state.name, "live");
  await page.clock.pass(2_000);
  assert.equal(page.client.state.name, "reconnecting");
});

const PROBLEM = JSON.stringify({ code: "too_many_connections", title: "Too many" });
for (const [status, body, name] of [
  [401, "", "signedOut"],
  [403, "", "signedOut"],
  [429, PROBLEM, "tooMany"],
  [503, "", "reconnecting"],
]) {
  test(`a stream refused with ${status} leaves the page ${name}`, async () => {
    const page = begin({ transports: ["sse"] });
    page.server.answers.push({ status, body, headers: { "Retry-After": "2" } });
    await arrive();
    assert.equal(page.client.state.name, name);
    if (name === "reconnecting") assert.equal(page.client.state.inMs, 2000);
  });
}

test("a proxy that holds the stream back leads to polling", async () => {
  const page = begin();
  for (let round = 0; round < 2; round += 1) {
    await arrive();
    await page.clock.pass(10_000);
    assert.equal(page.client.state.name, "reconnecting");
    await page.clock.pass(page.client.state.inMs);
  }
  await arrive();
  await page.clock.pass(0);
  await arrive();
  assert.equal(page.server.asked.at(-1).pathname, "/api/v1/events/history");
});

test("where no socket opens there is a stream, until one does", async () => {
  const page = begin({ transports: ["websocket", "sse", "polling"] });
  for (let round = 0; round < 2; round += 1) {
    page.net.last.shut(1006);
    await page.clock.pass(page.client.state.inMs);
  }
  await arrive();
  page.server.welcome();
  page.server.say({ type: "live", room: "user:7", seq: 20 });
  await arrive();
  assert.equal(page.client.state.transport, "sse");
  await page.clock.pass(5_000);
  page.net.last.welcome({ log: LOG });
  page.net.last.welcome({ log: LOG });
  page.net.last.say({ type: "live", room: ROOM, seq: 20 });
  assert.equal(page.client.state.transport, "websocket");
  assert.equal(page.net.last.asked("subscribe")[0].after, 20);
});

test("what has no WebSocket at all begins with the stream", async () => {
  const page = begin({ transports: ["websocket", "sse"], WebSocket: undefined });
  await arrive();
  assert.equal(page.server.asked.length, 1);
});

// tokens

test("each connection has a fresh token", async () => {
  const asked = [];
  const getToken = async (kind) => `${kind}-${asked.push(kind)}`;
  const page = begin({ transports: ["websocket", "sse"], getToken });
  await settle();
  assert.equal(page.net.last.url, "ws://test/ws?token=websocket-1");
  page.net.last.shut(1006);
  await page.clock.pass(page.client.state.inMs);
  await settle();
  assert.equal(page.net.last.url, "ws://test/ws?token=websocket-2");
  page.net.last.shut(1006);
  await page.clock.pass(page.client.state.inMs);
  await arrive();
  assert.equal(page.server.asked[0].searchParams.get("token"), "sse-3");
});

test("a token that is given goes with every connection, beside what the address says", async () => {
  const page = begin({ transports: ["websocket"], url: "ws://test/ws?frames=single", token: "abc" });
  await settle();
  assert.equal(page.net.last.url, "ws://test/ws?frames=single&token=abc");
});

test("a ticket of a server that has begun anew is fetched once more, and then it is signed out", async () => {
  const page = begin({ transports: ["websocket"], getToken: async () => "ticket" });
  await settle();
  page.net.last.shut(4001);
  assert.equal(page.client.state.name, "reconnecting");
  await page.clock.pass(page.client.state.inMs);
  await settle();
  page.net.last.shut(4001);
  assert.equal(page.client.state.name, "signedOut");
});

test("a token that can not be had is tried again, unless nobody is signed in", async () => {
  let problem = new TypeError("network");
  const page = begin({ transports: ["websocket"], getToken: () => Promise.reject(problem) });
  await settle();
  assert.equal(page.client.state.name, "reconnecting");
  assert.equal(page.net.sockets.length, 0);
  problem = Object.assign(new Error("signed out"), { status: 401 });
  await page.clock.pass(page.client.state.inMs);
  await settle();
  assert.equal(page.client.state.name, "signedOut");
});

test("a token that comes after the page has stopped opens nothing", async () => {
  let give = null;
  const page = begin({ transports: ["websocket"], getToken: () => new Promise((resolve) => (give = resolve)) });
  page.client.stop();
  give("late");
  await settle();
  assert.equal(page.net.sockets.length, 0);
});

test("another server is asked under its own address", async () => {
  const page = begin({ server: "https://files.example.org", url: undefined });
  await arrive();
  assert.equal(page.server.asked[0].origin, "https://files.example.org");
  const other = begin({ server: "https://files.example.org", url: undefined, transports: ["websocket"] });
  assert.equal(other.net.last.url, "wss://files.example.org/ws");
});

// the outbox

const PAUSE = { op: "pause", job_id: JOB };
const CANCEL = { op: "cancel", job_id: JOB };

function socketPage() {
  return begin({ transports: ["websocket"] });
}

function goLive({ net }) {
  net.last.welcome();
  net.last.say({ type: "live", room: ROOM, seq: 0 });
}

const steering = (socket) => socket.sent.filter(({ op }) => op === "pause" || op === "cancel");

test("what is sent while there is no connection is kept, and sent in order", async () => {
  const page = socketPage();
  const done = [page.client.send(PAUSE), page.client.send(CANCEL)];
  await settle();
  assert.equal(page.client.queued, 2);
  goLive(page);
  assert.deepEqual(steering(page.net.last).map(({ op }) => op), ["pause"]);
  page.net.last.say({ type: "ok", id: steering(page.net.last)[0].id });
  assert.deepEqual(steering(page.net.last).map(({ op }) => op), ["pause", "cancel"]);
  page.net.last.say({ type: "ok", id: steering(page.net.last)[1].id });
  assert.deepEqual(await Promise.all(done), [{ type: "ok" }, { type: "ok" }]);
  assert.equal(page.client.queued, 0);
});

test("what was not answered before the link broke is sent again under the same id", async () => {
  const page = socketPage();
  goLive(page);
  const done = page.client.send(PAUSE);
  await settle();
  const [first] = steering(page.net.last);
  page.net.last.shut(1006);
  await page.clock.pass(page.client.state.inMs);
  goLive(page);
  assert.deepEqual(steering(page.net.last), [first]);
  page.net.last.say({ type: "ok", id: first.id });
  assert.deepEqual(await done, { type: "ok" });
});

test("no more is sent in a second than the server takes", async () => {
  const page = socketPage();
  page.net.last.welcome({ limits: { messages_per_second: 4 } });
  page.net.last.say({ type: "live", room: ROOM, seq: 0 });
  const done = [page.client.send(PAUSE), page.client.send(CANCEL)];
  await settle();
  page.net.last.say({ type: "ok", id: steering(page.net.last)[0].id });
  await page.clock.pass(249);
  assert.equal(steering(page.net.last).length, 1);
  await page.clock.pass(1);
  page.net.last.say({ type: "ok", id: steering(page.net.last)[1].id });
  await Promise.all(done);
});

test("a refusal is the sender's alone, with the server's words", async () => {
  const page = socketPage();
  goLive(page);
  const done = page.client.send(CANCEL);
  await settle();
  const { id } = steering(page.net.last)[0];
  page.net.last.say({ type: "error", id, code: "conflict", message: "It has ended." });
  await assert.rejects(done, { code: "conflict", title: "It has ended.", retryable: false });
  assert.deepEqual(page.told.errors, []);
});

test("what came too fast is sent again after the wait that was asked for", async () => {
  const page = socketPage();
  goLive(page);
  const done = page.client.send(PAUSE);
  await settle();
  page.net.last.say({ type: "error", code: "too_many_messages", message: "Slow", retry_after: 1 });
  await page.clock.pass(2_000);
  const sent = steering(page.net.last);
  assert.equal(sent.length, 2);
  page.net.last.say({ type: "ok", id: sent[1].id });
  assert.deepEqual(await done, { type: "ok" });
});

test("the outbox is bounded, and a page that stops says so to whoever waits", async () => {
  const page = socketPage();
  const waiting = Array.from({ length: outbox.KEPT }, () => page.client.send(PAUSE));
  await assert.rejects(page.client.send(PAUSE), { code: "outbox_full" });
  page.client.stop();
  for (const one of await Promise.allSettled(waiting)) assert.equal(one.reason.code, "stopped");
});

test("what is nothing to be sent is refused at once", async () => {
  await assert.rejects(socketPage().client.send({ op: "subscribe", room: "all" }), TypeError);
});

test("without a socket it goes over HTTP, under one key however often", async () => {
  const page = await streaming();
  page.server.answers.push({ status: 0 }, { status: 0 });
  const done = page.client.send({ op: "answer", clarification_id: "q1", answer: "dmy" });
  await arrive();
  assert.equal(page.client.state.name, "reconnecting");
  await page.clock.pass(page.client.state.inMs);
  await arrive();
  page.server.welcome();
  page.server.say({ type: "live", room: "user:7", seq: 0 });
  assert.deepEqual(await done, { type: "ok" });
  assert.deepEqual(new Set(page.server.posts.map(({ key }) => key)).size, 1);
  assert.deepEqual(page.server.posts.at(-1).path, "/api/v1/clarifications/q1/answer");
  assert.deepEqual(page.server.posts.at(-1).body, '{"answer":"dmy"}');
  const body = JSON.stringify({ code: "conflict", title: "It has ended" });
  page.server.answers.push({ status: 409, body });
  await assert.rejects(page.client.send(CANCEL), { code: "conflict", title: "It has ended" });
});

test("a listener to everything hears what is no event too", async () => {
  const page = await streaming();
  page.server.say(event(1, "job_created"));
  await arrive();
  assert.deepEqual(page.told.messages, ["welcome", "subscribed", "live", "job_created"]);
});

test("a page that is left in peace again hears nothing of the browser any more", async () => {
  const window = Object.assign(new EventTarget(), {
    document: Object.assign(new EventTarget(), { hidden: false }),
  });
  const said = [];
  const client = {
    setVisible: (seen) => said.push(seen ? "seen" : "hidden"),
    setOnline: (online) => said.push(online ? "online" : "offline"),
    sleep: () => said.push("sleep"),
    retryNow: () => said.push("back"),
  };
  const detach = attachToPage(client, window);
  const happen = () => {
    window.document.hidden = !window.document.hidden;
    window.document.dispatchEvent(new Event("visibilitychange"));
    for (const type of ["online", "offline", "pagehide"]) window.dispatchEvent(new Event(type));
    window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
    window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: false }));
  };
  happen();
  assert.deepEqual(said, ["seen", "hidden", "online", "offline", "sleep", "back"]);
  detach();
  happen();
  assert.equal(said.length, 6);
});
