import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../../../static/sdk/client.js";
import * as fallback from "../../../static/sdk/fallback.js";
import * as outbox from "../../../static/sdk/outbox.js";
import { Clock, event, network, settle, story } from "./support.js";

const ROOM = "user:me";

/** A started client with everything it tells: states, events, and the sockets it opens. */
function begin(options = {}) {
  const clock = new Clock();
  const net = network();
  const told = { states: [], events: [], snapshots: [], resets: 0, errors: [] };
  const client = createClient({
    url: "ws://test/ws",
    transports: ["websocket", "polling"],
    load: { fallback: async () => fallback, outbox: async () => outbox },
    rooms: [{ room: ROOM, after: 0 }],
    WebSocket: net.WebSocket,
    fetch: () => Promise.reject(new Error("no polling here")),
    timers: clock.timers,
    now: () => clock.now,
    random: () => 0.5,
    slices: { now: () => 0, pause: (run) => queueMicrotask(run) },
    onEvent: (one) => told.events.push(one),
    onState: (state) => told.states.push(state),
    onSnapshot: (job) => told.snapshots.push(job),
    onReset: () => (told.resets += 1),
    onError: (error) => told.errors.push(error.code),
    ...options,
  });
  client.start();
  return { client, clock, net, told, names: () => told.states.map((state) => state.name) };
}

/** Open the newest socket and go live at `seq`, with `replay` before it. */
function live({ net }, { seq = 0, replay = [], facts = {} } = {}) {
  net.last.welcome(facts);
  net.last.say({ type: "subscribed", id: ROOM, room: ROOM, head: seq });
  if (replay.length) net.last.say(...replay);
  net.last.say({ type: "live", room: ROOM, seq });
}

const places = ({ told }) => told.events.map((one) => one.n);

test("it subscribes after welcome, from what was rendered, and becomes live", () => {
  const page = begin({ rooms: [{ room: ROOM, after: 42 }], log: "log-1" });
  assert.deepEqual(page.names(), ["connecting"]);
  page.net.last.open();
  assert.deepEqual(page.net.last.sent, []);
  live(page, { seq: 42 });
  assert.deepEqual(page.net.last.asked("subscribe"), [
    { op: "subscribe", id: ROOM, room: ROOM, after: 42, log: "log-1" },
  ]);
  assert.deepEqual(page.names(), ["connecting", "live"]);
});

test("the answer to a ping is the latency on the sign", async () => {
  const page = begin();
  live(page);
  await page.clock.pass(11);
  page.net.last.say({ type: "pong", id: "1" });
  assert.deepEqual(page.client.state, { name: "live", transport: "websocket", latencyMs: 11 });
});

test("a frame may hold many objects, and every event is told once, in order", () => {
  const page = begin();
  live(page);
  page.net.last.say(...story(5));
  page.net.last.say(event(4), event(5), event(6));
  assert.deepEqual(places(page), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(page.client.positions(), { [ROOM]: 60 });
});

test("after a break it comes back by itself and asks from the last place seen", async () => {
  const page = begin();
  live(page);
  page.net.last.say(...story(3));
  page.net.last.shut(1006);
  assert.equal(page.client.state.name, "reconnecting");
  assert.equal(page.client.state.tries, 1);
  await page.clock.pass(page.client.state.inMs);
  live(page, { seq: 50, replay: [event(4), event(5)] });
  assert.deepEqual(page.net.last.asked("subscribe"), [
    { op: "subscribe", id: ROOM, room: ROOM, after: 30, log: "log-1" },
  ]);
  assert.deepEqual(places(page), [1, 2, 3, 4, 5]);
  assert.equal(page.client.state.name, "live");
});

test("a long replay is told as catching up, and applied in slices", async () => {
  let time = 0;
  const pauses = [];
  const slices = { now: () => (time += 1), pause: (run) => pauses.push(run) };
  const page = begin({ slices });
  page.net.last.welcome();
  while (pauses.length) pauses.shift()();
  page.net.last.say({ type: "subscribed", id: ROOM, room: ROOM, head: 1000 }, ...story(100));
  assert.ok(places(page).length < 100);
  assert.ok(pauses.length > 0);
  while (pauses.length) pauses.shift()();
  assert.equal(places(page).length, 100);
  assert.deepEqual(page.client.state, { name: "catchingUp", done: 1000, total: 1000 });
});

test("what was received but not yet applied when the link broke is asked for again", async () => {
  let time = 0;
  const pauses = [];
  const page = begin({ slices: { now: () => (time += 3), pause: (run) => pauses.push(run) } });
  const drain = () => {
    while (pauses.length) pauses.shift()();
  };
  live(page);
  drain();
  page.net.last.say(...story(50));
  const seen = places(page).length;
  assert.ok(seen > 0 && seen < 50);
  page.net.last.shut(1006);
  drain();
  assert.equal(places(page).length, seen);
  await page.clock.pass(1000);
  page.net.last.welcome();
  assert.equal(page.net.last.asked("subscribe")[0].after, seen * 10);
});

test("waits double to five seconds, and after five tries it is offline but never gives up", async () => {
  const page = begin({ random: () => 1 - Number.EPSILON });
  live(page);
  const waits = [];
  for (let round = 0; round < 7; round += 1) {
    page.net.last.shut(1006);
    waits.push(Math.round(page.clock.nextInMs));
    await page.clock.pass(waits.at(-1));
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 5000, 5000, 33_000, 33_000]);
  assert.equal(page.client.state.name, "offline");
  live(page);
  assert.equal(page.client.state.name, "live");
});

test("chance spreads the waits, so that a crowd does not come back at once", () => {
  const [soon, late] = [0, 0.99].map((luck) => {
    const page = begin({ random: () => luck });
    live(page);
    page.net.last.shut(1006);
    return page.client.state.inMs;
  });
  assert.ok(late - soon > 450);
});

test("a server that restarts says when to come back; what does not answer then is waited for as ever", async () => {
  const page = begin();
  live(page);
  page.net.last.shut(1012, "restarting; retry_after=3.217");
  const { name, inMs } = page.client.state;
  assert.deepEqual([name, inMs], ["reconnecting", 3217]);
  await page.clock.pass(3217);
  assert.equal(page.net.sockets.length, 2);
  page.net.last.shut(1006);
  assert.deepEqual([page.client.state.tries, page.client.state.inMs], [2, 1500]);
});

test("a log that was pruned is told, and snapshots stand in for what is gone", () => {
  const truncated = [];
  const page = begin({ onTruncated: (room) => truncated.push(room) });
  page.net.last.welcome();
  page.net.last.say(
    { type: "subscribed", id: ROOM, room: "user:7", head: 90 },
    { type: "truncated", id: ROOM, room: "user:7", oldest: 41 },
    { type: "snapshot", room: "user:7", job_id: "job-1", state: { job_id: "job-1", n: 4, last_seq: 40 } },
    event(4),
    event(5),
    { type: "live", room: "user:7", seq: 90 },
  );
  assert.deepEqual(truncated, [ROOM]);
  assert.deepEqual(page.told.snapshots.map((job) => job.n), [4]);
  assert.deepEqual(places(page), [5]);
  assert.deepEqual([page.client.state.name, page.client.positions()], ["live", { [ROOM]: 90 }]);
});

test("a link without heartbeats for two and a half intervals is dead", async () => {
  const page = begin();
  live(page, { facts: { heartbeat: 10 } });
  const first = page.net.last;
  await page.clock.pass(24_000);
  first.say({ type: "heartbeat", head: 0 });
  await page.clock.pass(24_000);
  assert.equal(page.client.state.name, "live");
  await page.clock.pass(1_000);
  assert.equal(page.client.state.name, "reconnecting");
  assert.ok(first.closed);
});

test("a connection that never says welcome is given up after ten seconds", async () => {
  const page = begin();
  page.net.last.open();
  await page.clock.pass(10_000);
  assert.equal(page.client.state.name, "reconnecting");
});

test("4001 is signed out: it waits for a person", async () => {
  const page = begin();
  page.net.last.open();
  page.net.last.shut(4001);
  assert.equal(page.client.state.name, "signedOut");
  await page.clock.pass(600_000);
  assert.equal(page.net.sockets.length, 1);
  page.client.retryNow();
  live(page);
  assert.equal(page.client.state.name, "live");
});

test("4009 is too many: it looks again every ten seconds", async () => {
  const page = begin();
  page.net.last.open();
  page.net.last.shut(4009);
  assert.deepEqual(page.client.state, { name: "tooMany", inMs: 10_000 });
  await page.clock.pass(10_000);
  assert.equal(page.net.sockets.length, 2);
  assert.equal(page.client.state.name, "tooMany");
  live(page);
  assert.equal(page.client.state.name, "live");
});

test("a page that gives its place up goes on as one too many, and takes the next that is free", async () => {
  const events = story(2);
  const page = begin({ fetch: history(events) });
  page.client.giveWay();
  assert.equal(page.net.last.closed, false); // it had none yet
  page.net.last.open();
  live(page);
  page.client.giveWay();
  assert.equal(page.net.last.closed, true);
  assert.deepEqual(page.client.state, { name: "tooMany", inMs: 10_000 });
  await page.clock.pass(0);
  assert.deepEqual(places(page), [1, 2]);
  await page.clock.pass(10_000);
  assert.equal(page.net.sockets.length, 2);
  live(page, { seq: 2 });
  assert.equal(page.client.state.name, "live");
});

test("with too many connections it still refreshes, without being called live", async () => {
  const events = story(2);
  const page = begin({ fetch: history(events) });
  page.net.last.open();
  page.net.last.shut(4009);
  await page.clock.pass(0);
  assert.deepEqual(places(page), [1, 2]);
  events.push(event(3));
  await page.clock.pass(10_000);
  page.net.last.open();
  page.net.last.shut(4009);
  await page.clock.pass(0);
  assert.deepEqual(places(page), [1, 2, 3]);
  assert.deepEqual([...new Set(page.names())], ["connecting", "tooMany"]);
});

test("a page hidden for two minutes lets go and resumes from its place", async () => {
  const page = begin();
  live(page);
  page.net.last.say(...story(2));
  page.client.setVisible(false);
  for (let minute = 0; minute < 2; minute += 1) {
    await page.clock.pass(59_500);
    page.net.last.say({ type: "heartbeat", head: 20 });
  }
  assert.equal(page.net.last.closed, false);
  await page.clock.pass(1_000);
  assert.equal(page.net.last.closed, true);
  await page.clock.pass(3_600_000);
  assert.equal(page.net.sockets.length, 1);
  page.client.setVisible(true);
  page.net.last.welcome();
  assert.equal(page.net.last.asked("subscribe")[0].after, 20);
});

test("a page seen again within two minutes keeps its connection, once that answers", async () => {
  const page = begin();
  live(page);
  page.client.setVisible(false);
  await page.clock.pass(60_000);
  page.net.last.say({ type: "heartbeat", head: 0 });
  page.client.setVisible(true);
  page.net.last.say({ type: "pong", id: "9" });
  await page.clock.pass(6_000);
  assert.equal(page.net.sockets.length, 1);
  page.client.setVisible(false);
  page.client.setVisible(true);
  await page.clock.pass(5_000);
  assert.equal(page.client.state.name, "reconnecting");
});

test("the network coming back does not wait for the next try", async () => {
  const page = begin();
  for (let round = 0; round < 6; round += 1) {
    page.net.last.welcome();
    page.net.last.shut(1006);
    if (round < 5) await page.clock.pass(page.client.state.inMs);
  }
  assert.equal(page.client.state.name, "offline");
  const before = page.net.sockets.length;
  page.client.setOnline(true);
  assert.equal(page.net.sockets.length, before + 1);
});

test("a log that is shorter than a place: everything is forgotten once, and snapshots take its place", async () => {
  const rooms = [{ room: ROOM, after: 0 }, { room: "job:1", after: 0 }];
  const page = begin({ rooms });
  page.net.last.welcome();
  page.net.last.say({ type: "live", room: ROOM, seq: 30 }, { type: "live", room: "job:1", seq: 30 });
  page.net.last.say(...story(3));
  page.net.last.shut(1006);
  await page.clock.pass(1000);
  page.net.last.welcome();
  assert.equal(page.net.last.asked("subscribe")[0].log, "log-1");
  const job = { job_id: "job-1", n: 1, last_seq: 4 };
  page.net.last.say(
    { type: "reset", id: ROOM, room: "user:7", log: "log-1", head: 4 },
    { type: "snapshot", room: "user:7", job_id: "job-1", state: job },
    { type: "reset", id: "job:1", room: "job:1", log: "log-1", head: 4 },
    { type: "snapshot", room: "job:1", job_id: "job-1", state: job },
    { type: "live", room: "user:7", seq: 4 },
    { type: "live", room: "job:1", seq: 4 },
    { ...event(2), seq: 5 },
  );
  assert.equal(page.told.resets, 1);
  assert.equal(page.told.snapshots.length, 2);
  assert.deepEqual(places(page), [1, 2, 3, 2]);
  assert.deepEqual(page.client.positions(), { [ROOM]: 5, "job:1": 5 });
});

test("no place of a log that was is asked for in another one, wherever the connection breaks", async () => {
  const page = begin({ rooms: [{ room: ROOM, after: 0 }, { room: "job:1", after: 0 }] });
  page.net.last.welcome();
  page.net.last.say({ type: "live", room: ROOM, seq: 30 }, { type: "live", room: "job:1", seq: 30 });
  const asked = () => page.net.last.asked("subscribe").map(({ after, log, snapshot }) => [after ?? log, snapshot]);
  for (let cut = 0; cut < 2; cut += 1) {
    page.net.last.shut(1006);
    await page.clock.pass(3000);
    page.net.last.welcome({ log: "log-2" });
    assert.deepEqual(asked(), [[undefined, true], [undefined, true]]);
  }
  page.net.last.say({ type: "live", room: ROOM, seq: 4 }, { type: "live", room: "job:1", seq: 4 });
  page.net.last.shut(1006);
  await page.clock.pass(3000);
  page.net.last.welcome({ log: "log-2" });
  assert.equal(page.told.resets, 1);
  assert.equal(page.net.last.asked("subscribe")[1].log, "log-2");
  assert.deepEqual(asked(), [[4, undefined], [4, undefined]]);
});

test("a room still replaying keeps its own place while another is live", async () => {
  const page = begin();
  live(page);
  page.net.last.say(...story(5));
  page.client.follow("job:7", 0);
  page.net.last.say({ type: "subscribed", id: "job:7", room: "job:7", head: 50 });
  page.net.last.say(event(6));
  page.net.last.shut(1006);
  await page.clock.pass(1000);
  page.net.last.welcome();
  const asked = page.net.last.asked("subscribe").map(({ room, after }) => [room, after]);
  assert.deepEqual(asked, [[ROOM, 50], ["job:7", 0]]);
});

test("user:me is known again under the name the server gives it", () => {
  const page = begin();
  page.net.last.welcome();
  page.net.last.say(
    { type: "subscribed", id: ROOM, room: "user:0193", head: 0 },
    { type: "live", room: "user:0193", seq: 7 },
  );
  assert.equal(page.client.state.name, "live");
  assert.deepEqual(page.client.positions(), { [ROOM]: 7 });
});

test("a room that is refused is left out, and the rest goes live", () => {
  const page = begin({ rooms: [{ room: ROOM, after: 0 }, { room: "job:9", after: 0 }] });
  page.net.last.welcome();
  page.net.last.say(
    { type: "error", id: "job:9", code: "not_found", message: "There is no such job" },
    { type: "live", room: ROOM, seq: 0 },
  );
  assert.deepEqual(page.told.errors, ["not_found"]);
  assert.equal(page.client.state.name, "live");
});

test("a frame that can not be read is asked for again on a new connection", async () => {
  const page = begin();
  live(page);
  page.net.last.onmessage({ data: '{"seq": 1, "n"' });
  assert.equal(page.client.state.name, "reconnecting");
});

/** fetch over a list of events, as GET /api/v1/events/history answers. */
function history(events, facts = {}) {
  return (address) => {
    const query = new URL(address, "http://test").searchParams;
    const after = Number(query.get("after"));
    const found = events.filter((one) => one.seq > after).slice(0, 3);
    const last = found.at(-1)?.seq ?? after;
    const head = events.at(-1)?.seq ?? 0;
    return Promise.resolve({
      ok: true,
      status: 200,
      json: () => Promise.resolve({ events: found, after: last, head, log: "log-1", more: last < head, ...facts }),
    });
  };
}

async function polling(events, options = {}) {
  const page = begin({ fetch: history(events), ...options });
  for (let round = 0; round < 2; round += 1) {
    page.net.last.shut(1006);
    await page.clock.pass(page.client.state.inMs);
  }
  await page.clock.pass(0);
  await settle();
  return page;
}

test("where a WebSocket never opens, it lives by polling", async () => {
  const events = story(7);
  const page = await polling(events);
  assert.deepEqual(page.client.state, {
    name: "live",
    transport: "polling",
    latencyMs: null,
    everyMs: 2000,
  });
  assert.deepEqual(places(page), [1, 2, 3, 4, 5, 6, 7]);
  events.push(event(8));
  await page.clock.pass(2000);
  assert.equal(places(page).at(-1), 8);
});

test("a log that was pruned is told by polling too", async () => {
  const truncated = [];
  await polling(story(2), {
    fetch: history(story(2), { truncated: true, oldest: 10 }),
    onTruncated: (room) => truncated.push(room),
  });
  assert.deepEqual(truncated, [ROOM]);
});

test("while polling it finds out when a WebSocket gets through after all", async () => {
  const page = await polling(story(2));
  await page.clock.pass(5_000);
  page.net.last.shut(1006);
  await page.clock.pass(10_000);
  assert.equal(page.client.state.transport, "polling");
  page.net.last.welcome();
  page.net.last.welcome();
  live(page, { seq: 20 });
  assert.equal(page.client.state.transport, "websocket");
  assert.equal(page.net.last.asked("subscribe")[0].after, 20);
  assert.deepEqual(places(page), [1, 2]);
});

test("polling that fails is a lost connection like any other", async () => {
  const events = story(2);
  const page = await polling(events);
  const before = events.at(-1).seq;
  page.client.stop();
  const broken = begin({ fetch: () => Promise.reject(new TypeError("network")) });
  for (let round = 0; round < 2; round += 1) {
    broken.net.last.shut(1006);
    await broken.clock.pass(broken.client.state.inMs);
  }
  await broken.clock.pass(0);
  await settle();
  assert.equal(broken.client.state.name, "reconnecting");
  assert.equal(broken.client.state.tries, 3);
  assert.equal(before, 20);
});

test("a log that is shorter than the cursor is another log, when polling", async () => {
  const events = story(5);
  const page = await polling(events);
  events.splice(0, 5, ...story(2));
  await page.clock.pass(2000);
  assert.equal(page.told.resets, 1);
  assert.deepEqual(places(page), [1, 2, 3, 4, 5, 1, 2]);
});

test("a log of another name is another log, when polling, however long it is", async () => {
  const events = story(2);
  const facts = { log: "log-1" };
  const page = await polling(events, { fetch: (address) => history(events, facts)(address) });
  events.splice(0, 2, ...story(5));
  facts.log = "log-2";
  await page.clock.pass(2000);
  assert.equal(page.told.resets, 1);
  assert.deepEqual(places(page), [1, 2, 1, 2, 3, 4, 5]);
});

for (const name of ["connecting", "live", "reconnecting", "tooMany"]) {
  test(`who stops on hearing that it is ${name} leaves no timer and no socket`, async () => {
    let stop = () => {};
    const page = begin({ onState: (state) => state.name === name && stop() });
    stop = page.client.stop;
    if (name === "connecting") page.client.retryNow();
    else live(page);
    page.net.last.shut(name === "tooMany" ? 4009 : 1006);
    await settle();
    assert.equal(page.client.state.name, name);
    assert.equal(page.clock.nextInMs, Infinity);
    assert.ok(page.net.sockets.every((one) => one.readyState === 3));
  });
}

test("stopping leaves no timer and no socket", () => {
  const page = begin();
  live(page);
  page.client.stop();
  assert.equal(page.clock.nextInMs, Infinity);
  assert.equal(page.net.last.closed, true);
});

/** How many more rooms are asked for while `ms` pass. */
async function askedWithin(page, ms) {
  const asked = page.net.last.asked("subscribe").length;
  await page.clock.pass(ms);
  return page.net.last.asked("subscribe").length - asked;
}

test("many rooms are asked for no quicker than the server takes messages", async () => {
  const rooms = Array.from({ length: 30 }, (_, place) => ({ room: `job:${place}`, after: 0 }));
  const page = begin({ rooms });
  page.net.last.welcome({ limits: { messages_per_second: 10 } });
  assert.equal(page.net.last.asked("subscribe").length, 5);
  assert.equal(await askedWithin(page, 1000), 10);
  page.client.follow("job:30", 0);
  assert.equal(await askedWithin(page, 0), 0);
  await page.clock.pass(5000);
  const names = page.net.last.asked("subscribe").map(({ room }) => room);
  assert.deepEqual(names, [...rooms.map(({ room }) => room), "job:30"]);
});

test("a server of few messages is asked even more slowly", async () => {
  const page = begin({ rooms: [{ room: "job:1", after: 0 }, { room: "job:2", after: 0 }] });
  page.net.last.welcome({ limits: { messages_per_second: 1 } });
  assert.equal(page.net.last.asked("subscribe").length, 1);
  assert.equal(await askedWithin(page, 999), 0);
  assert.equal(await askedWithin(page, 1), 1);
});

test("whoever listens may fail: the event is told to the others all the same", () => {
  const page = begin({
    onMessage: () => {
      throw new Error("a fault of the page's own");
    },
  });
  assert.throws(() => live(page), /of the page's own/);
  assert.throws(() => page.net.last.say(event(1, "job_created")), /of the page's own/);
  assert.deepEqual(places(page), [1]);
});

test("a network that goes is no reason to ask a way that has no pings for one", async () => {
  const asked = [];
  const answer = history(story(2));
  const page = await polling(story(2), {
    fetch: (address, init) => {
      asked.push(init?.method ?? "GET");
      return answer(address);
    },
  });
  page.client.setOnline(false);
  await page.clock.pass(30_000);
  assert.deepEqual([...new Set(asked)], ["GET"]);
  assert.deepEqual(page.told.errors, []);
});

test("what is sent while not even the outbox can be loaded waits for the connection", async () => {
  const tries = [];
  const load = {
    fallback: async () => fallback,
    async outbox(again) {
      tries.push(again);
      if (!again) throw new TypeError("no connection");
      return outbox;
    },
  };
  const page = begin({ load });
  const done = page.client.send({ op: "pause", job_id: "1" });
  await settle();
  assert.equal(page.client.queued, 1);
  live(page);
  await settle();
  const [message] = page.net.last.asked("pause");
  assert.equal(message.job_id, "1");
  page.net.last.say({ type: "ok", id: message.id });
  assert.deepEqual(await done, { type: "ok" });
  assert.equal(page.client.queued, 0);
  assert.deepEqual(tries, [false, true]);
});

test("what was to be sent is given back when the page stops first", async () => {
  const page = begin({ load: { fallback: async () => fallback, outbox: async () => Promise.reject(new TypeError()) } });
  const lost = page.client.send({ op: "pause", job_id: "1" });
  await settle();
  page.client.stop();
  await assert.rejects(lost, { code: "offline" });
  const loading = begin();
  const late = loading.client.send({ op: "pause", job_id: "1" });
  loading.client.stop();
  await assert.rejects(late, { code: "stopped" });
});
