/** The live connection: one state machine over WebSocket, or polling where that never opens.
 *
 *  createClient(options) -> client
 *  options
 *    rooms       [{room: "user:me", after: 1042}]    after: last_seq of what was rendered; 0 = all
 *    log         the log's id as rendered, or null
 *    onEvent(event)          each new event once, in order of n within its job
 *    onState(state)          see ConnectionState
 *    onSnapshot(jobState)    the server sent a job's folded state
 *    onReset()               the log is another one: forget everything; snapshots follow
 *    onTruncated(room)       the log does not reach back far enough: what ended meanwhile is to be
 *                            asked for; over a WebSocket its snapshots follow by themselves
 *    onError(error)          {id, code, message, retry_after}
 *    url, historyUrl, WebSocket, fetch, timers {set, clear}, now, random, slices
 *                            handed in by tests; the browser's own by default
 *  client
 *    start()  stop()  retryNow()  giveWay()  follow(room, after = 0)
 *    state  positions() -> {room: seq}
 *    setVisible(bool)  setOnline(bool)  sleep()
 *  attachToPage(client, window)      visibility, online, offline, back-forward cache
 *
 *  @typedef {{name: "connecting"}
 *    | {name: "live", transport: "websocket"|"polling", latencyMs: number|null, everyMs?: number}
 *    | {name: "reconnecting", tries: number, inMs: number, since: string|null}
 *    | {name: "catchingUp", done: number, total: number}
 *    | {name: "offline", since: string|null}
 *    | {name: "signedOut"} | {name: "tooMany", inMs: number}} ConnectionState
 *  `since` is when it was last live, ISO 8601. `done` and `total` of catchingUp count places in
 *  the log, others' events among them, so that `total` is what there is to catch up at most.
 */

import { backoffMs, hintedMs, offlineMs, TRIES } from "./backoff.js";
import { createSlices } from "./frame.js";
import { openPolling, openSocket } from "./transports.js";

const CONNECT_MS = 10_000; // to `welcome`
const PING_MS = 20_000;
const PROBE_MS = 5_000; // to any answer, after the tab or the network came back
const HIDDEN_MS = 120_000;
const FULL_MS = 10_000;
const SCOUT_MS = 5_000;
const HEARTBEAT_S = 30;

export function createClient(options) {
  const {
    url = socketUrl(),
    historyUrl = "/api/v1/events/history",
    WebSocket = globalThis.WebSocket,
    fetch = (...request) => globalThis.fetch(...request),
    timers = { set: (run, ms) => setTimeout(run, ms), clear: (id) => clearTimeout(id) },
    now = Date.now,
    random = Math.random,
    slices = {},
    onEvent = () => {},
    onState = () => {},
    onSnapshot = () => {},
    onReset = () => {},
    onTruncated = () => {},
    onError = () => {},
  } = options;

  /** at: everything up to there was seen; from, head: the replay under way.
   *  @type {Map<string, {at: number, live: boolean, from?: number, head?: number}>} */
  const rooms = new Map();
  for (const { room, after = 0 } of options.rooms ?? []) rooms.set(room, { at: after, live: false });
  /** Our name for a room, by the server's. @type {Map<string, string>} */
  const names = new Map();
  /** Last n by job, last seq by batch, so that what two rooms both replay is told once.
   *  @type {Map<string, number>} */
  const last = new Map();

  let log = options.log ?? null;
  /** @type {ConnectionState} */
  let state = { name: "connecting" };
  let transport = null;
  let wanted = false;
  let visible = true;
  let asleep = false;
  let tries = 0;
  let everOpened = false; // a WebSocket was
  let welcomed = false; // on this connection
  let wiped = false; // on this connection
  let unopened = 0;
  let lastLive = null;
  let lastHeard = 0;
  let heartbeatMs = HEARTBEAT_S * 1000;
  let latencyMs = null;
  let pingAt = 0;
  let pingId = 0;
  let full = false;
  let hidden = null; // its timer outlives connections
  /** @type {Record<string, any>} */
  const clocks = {};

  const inbox = createSlices((line) => receive(line), slices);

  function after(name, ms, run) {
    timers.clear(clocks[name]);
    clocks[name] = timers.set(run, ms);
  }

  function cancel(...names) {
    for (const name of names.length ? names : Object.keys(clocks)) {
      timers.clear(clocks[name]);
      delete clocks[name];
    }
  }

  function become(next) {
    state = next;
    onState(next);
  }

  const since = () => (lastLive === null ? null : new Date(lastLive).toISOString());

  // connecting

  const handlers = { onOpen: () => {}, onText: heard, onClose: lost };
  const poll = (how) => openPolling({ url: historyUrl, fetch, timers, log, ...handlers, ...how });

  function connect() {
    if (!wanted || asleep) return;
    drop();
    lastHeard = now();
    if (!everOpened && unopened >= 2) {
      transport = poll({});
    } else {
      transport = openSocket({ url, WebSocket, ...handlers });
    }
    if (!full && tries === 0) become({ name: "connecting" });
    after("connect", CONNECT_MS, lost);
  }

  /** End the connection without a word; what was received but not yet applied will be sent again. */
  function drop() {
    cancel();
    transport?.close();
    transport = null;
    welcomed = false;
    wiped = false;
    inbox.clear();
    for (const room of rooms.values()) {
      room.live = false;
      room.head = undefined;
    }
  }

  /** code: as of WebSocket; from 4000 on the server's own, so that it was reached.
   *  @param {{code?: number, reason?: string}} [end] */
  function lost({ code = 1006, reason = "" } = {}) {
    const kind = transport?.kind;
    if (state.name === "live" || state.name === "catchingUp") lastLive = now();
    if (kind === "websocket" && code >= 4000) everOpened = true;
    if (kind === "websocket" && !welcomed) unopened += 1;
    // the socket gets a turn before polling again
    if (kind === "polling") unopened = 1;
    drop();
    if (!wanted || asleep) return;
    if (code === 4001 || code === 4003) {
      become({ name: "signedOut" });
    } else if (code === 4009) {
      full = true;
      become({ name: "tooMany", inMs: FULL_MS });
      after("retry", FULL_MS, connect);
      // not live, but never older than that
      transport = poll({ everyMs: FULL_MS, onClose: () => {} });
    } else {
      full = false;
      wait(reason);
    }
  }

  /** @param {string} reason  a server that restarts says when to come back, each client another time */
  function wait(reason) {
    tries += 1;
    if (tries > TRIES) {
      become({ name: "offline", since: since() });
      after("retry", offlineMs(random), connect);
      return;
    }
    const inMs = hintedMs(reason) ?? backoffMs(tries, random);
    become({ name: "reconnecting", tries, inMs, since: since() });
    after("retry", inMs, connect);
  }

  // listening

  /** @param {string} text  one or more JSON objects, one a line */
  function heard(text) {
    lastHeard = now();
    inbox.add(text.split("\n").filter(Boolean));
  }

  function receive(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      // what can not be read may hold an event: ask for it again
      lost();
      return;
    }
    if (typeof message.seq === "number" && "n" in message) event(message);
    else {
      ANSWERS[message.type]?.(message);
      // after what it asked or answered under the log that was known
      if (message.log) log = message.log;
    }
  }

  /** Tell whether `place` lies past what was told of a job or batch, and note it. */
  function isPast(id, place) {
    if (place <= (last.get(id) ?? 0)) return false;
    last.set(id, place);
    return true;
  }

  function event(message) {
    const { job_id: job, batch_id: batch, n, seq } = message;
    if (isPast(job ?? batch, n ?? seq)) onEvent(message);
    const lagging = [...rooms.values()].filter((room) => !room.live);
    if (lagging.length === 0) {
      for (const room of rooms.values()) room.at = Math.max(room.at, seq);
    } else if (rooms.size === 1) {
      lagging[0].at = Math.max(lagging[0].at, seq);
    }
    if (state.name === "catchingUp") progressed(seq);
  }

  const ANSWERS = {
    welcome(message) {
      cancel("connect");
      welcomed = true;
      if (message.heartbeat) heartbeatMs = message.heartbeat * 1000;
      if (transport.kind === "websocket") {
        everOpened = true;
        unopened = 0;
        watch();
      }
      for (const name of rooms.keys()) ask(name);
      if (rooms.size === 0) settled();
    },
    subscribed(message) {
      const room = roomOf(message);
      if (!room) return;
      room.from = room.at;
      room.head = message.head;
      if (message.head > room.at && state.name !== "live" && !full) {
        become({ name: "catchingUp", ...reach(room.at) });
      }
    },
    live(message) {
      const room = roomOf(message);
      if (!room) return;
      room.live = true;
      room.at = Math.max(room.at, message.seq ?? 0);
      settled();
    },
    reset(message) {
      const room = roomOf(message);
      if (room) room.at = 0;
      if (wiped) return; // every room is told; what the first one brought must stay
      wiped = true;
      last.clear();
      onReset();
    },
    truncated: ({ room }) => onTruncated(names.get(room) ?? room),
    snapshot({ state: job }) {
      isPast(job.job_id, job.n);
      onSnapshot(job);
    },
    pong() {
      latencyMs = Math.max(0, Math.round(now() - pingAt));
      if (state.name === "live") become({ ...state, latencyMs });
    },
    error(message) {
      onError(message);
      if (message.code === "too_many_messages") {
        // it does not say which one was refused
        after("ask", (message.retry_after ?? 1) * 1000 + 1000, () => {
          for (const [name, room] of rooms) if (!room.live && room.head === undefined) ask(name);
        });
      } else if (rooms.delete(message.id)) {
        settled();
      }
    },
  };

  function roomOf({ id, room }) {
    // user:me comes back under its own name
    if (id !== undefined) names.set(room, id);
    return rooms.get(names.get(room) ?? room);
  }

  /** How far the slowest room has come. */
  function reach(at) {
    let from = Infinity;
    let head = 0;
    for (const room of rooms.values()) {
      if (room.live || room.head === undefined) continue;
      from = Math.min(from, room.from);
      head = Math.max(head, room.head);
    }
    const total = Math.max(0, head - from);
    return { done: Math.min(total, Math.max(0, at - from)), total };
  }

  let shown = 0;
  function progressed(at) {
    const { done, total } = reach(at);
    // a sign that changes at every event would cost more than the events
    if (total > 0 && (done === total || done - shown >= Math.max(1, total / 50))) {
      shown = done;
      become({ name: "catchingUp", done, total });
    }
  }

  /** Live, once every room is. */
  function settled() {
    if (!transport || [...rooms.values()].some((room) => !room.live)) return;
    const kind = transport.kind;
    if (full && kind === "polling") return;
    tries = 0;
    full = false;
    shown = 0;
    lastLive = now();
    if (state.name !== "live" || state.transport !== kind) {
      const next = { name: "live", transport: kind, latencyMs };
      if (kind === "polling") next.everyMs = transport.everyMs;
      become(next);
    }
    if (kind === "websocket" && clocks.ping === undefined) ping();
    if (kind === "polling" && clocks.scout === undefined) scout(SCOUT_MS);
  }

  /** While polling, see now and then whether a WebSocket gets through after all. */
  function scout(inMs) {
    after("scout", inMs, () => {
      const done = (works) => {
        trial.close();
        if (transport?.kind !== "polling") return;
        if (works) {
          everOpened = true;
          connect();
        } else {
          scout(Math.min(SCOUT_MS * 60, inMs * 2));
        }
      };
      const trial = openSocket({
        url,
        WebSocket,
        onOpen: () => {},
        onText: () => done(true),
        onClose: ({ code }) => done(code >= 4000),
      });
    });
  }

  function ask(name) {
    const room = rooms.get(name);
    if (!room) return;
    const message = { op: "subscribe", id: name, room: name, after: room.at };
    if (log) message.log = log;
    transport?.send(message);
  }

  function ping() {
    pingAt = now();
    pingId += 1;
    transport?.send({ op: "ping", id: String(pingId) });
    after("ping", PING_MS, ping);
  }

  /** A link that says nothing for two and a half heartbeats is dead, whatever it claims. */
  function watch() {
    const limit = heartbeatMs * 2.5;
    const silent = now() - lastHeard;
    if (silent >= limit) lost();
    else after("watch", limit - silent, watch);
  }

  /** After a sleep a link may be dead without knowing. */
  function probe() {
    const asked = now();
    ping();
    after("probe", PROBE_MS, () => {
      if (lastHeard < asked) lost();
    });
  }

  function wake() {
    if (!wanted) return;
    if (asleep || !transport) {
      asleep = false;
      tries = Math.min(tries, TRIES - 1);
      connect();
    } else if (transport.kind === "websocket" && (state.name === "live" || state.name === "catchingUp")) {
      probe();
    }
  }

  function sleep() {
    if (!wanted || asleep) return;
    if (state.name === "live") lastLive = now();
    asleep = true;
    drop();
    become({ name: "connecting" });
  }

  return {
    start() {
      if (wanted) return;
      wanted = true;
      connect();
    },
    stop() {
      wanted = false;
      drop();
    },
    /** Try at once: a person asked, or signed in again. */
    retryNow() {
      if (!wanted) return;
      asleep = false;
      full = false;
      become({ name: "connecting" });
      connect();
    },
    /** Let another page of this browser have the place; this one goes on as one too many. */
    giveWay() {
      if (state.name === "live") lost({ code: 4009 });
    },
    follow(room, from = 0) {
      if (rooms.has(room)) return;
      rooms.set(room, { at: from, live: false });
      if (welcomed) ask(room);
    },
    /** A hidden page closes its connection after two minutes and resumes when seen again. */
    setVisible(next) {
      if (next === visible) return;
      visible = next;
      timers.clear(hidden);
      if (visible) wake();
      else hidden = timers.set(sleep, HIDDEN_MS);
    },
    /** The browser's word on the network; it may be wrong, so it only hurries things up. */
    setOnline(online) {
      if (online) wake();
      else if (transport && state.name === "live") probe();
    },
    sleep,
    positions: () => Object.fromEntries([...rooms].map(([name, room]) => [name, room.at])),
    get state() {
      return state;
    },
  };
}

/** @param {Location} [place] */
function socketUrl(place = globalThis.location) {
  return place ? `${place.protocol === "https:" ? "wss" : "ws"}://${place.host}/ws` : "";
}

/** @param {ReturnType<typeof createClient>} client  @param {Window} window */
export function attachToPage(client, window) {
  const { document } = window;
  const seen = () => client.setVisible(!document.hidden);
  const online = () => client.setOnline(true);
  const offline = () => client.setOnline(false);
  const leave = () => client.sleep();
  const back = (event) => {
    if (event.persisted) client.retryNow();
  };
  document.addEventListener("visibilitychange", seen);
  const listeners = { online, offline, pagehide: leave, pageshow: back };
  for (const [name, fn] of Object.entries(listeners)) window.addEventListener(name, fn);
  seen();
}
