/** The live connection: one state machine over a WebSocket, or where that never opens over an
 *  event stream, or by asking again and again.
 *
 *  createClient(options) -> client
 *  options
 *    rooms       [{room: "user:me", after: 1042}]    after: last_seq of what was rendered; 0 = all;
 *                absent: how everything stands, then what comes
 *    log         the log's id as rendered, or null
 *    onEvent(event)          each new event once, in order of n within its job
 *    onState(state)          see ConnectionState in types.js
 *    onSnapshot(jobState)    the server sent a job's folded state
 *    onReset()               the log is another one: forget everything; snapshots follow
 *    onTruncated(room)       the log does not reach back far enough: what ended meanwhile is to be
 *                            asked for; over a WebSocket its snapshots follow by themselves
 *    onError(error)          {id, code, message, retry_after}
 *    onMessage(message)      whatever the server says, events too, before all others
 *    server      "https://files.example.org"; "" for the page's own
 *    token       a listen-only token, for pages of other sites
 *    getToken(kind)          instead: a fresh ticket or listen-only token for each connection (for
 *                            each request while polling); may be async. What it throws with a
 *                            `status` of 401 or 403 means signed out; anything else is tried again
 *    transports  which ways, in order; ["websocket", "sse", "polling"]
 *    url, WebSocket, fetch, timers {set, clear}, now, random, slices, load
 *                            handed in by tests and by programs outside a browser
 *  client
 *    start()  stop()  retryNow()  giveWay()  follow(room, after?)
 *    send(message) -> promise, see outbox.js; kept while there is no connection     queued
 *    state  positions() -> {room: seq}
 *    setVisible(bool)  setOnline(bool)  sleep()
 *  attachToPage(client, window) -> detach()     visibility, online, offline, back-forward cache
 */

/** @typedef {import("./types.js").ConnectionState} ConnectionState
 *  @typedef {import("./fold.js").WireEvent} WireEvent
 *  @typedef {import("./transports.js").Transport} Transport
 *  @typedef {ReturnType<typeof createClient>} Client */

import { createSlices } from "./frame.js";
import { createPost } from "./post.js";
import { createRooms } from "./rooms.js";
import { backoffMs, createWays, hintedMs, offlineMs, TRIES } from "./transports.js";

const CONNECT_MS = 10_000; // to `welcome`
const PING_MS = 20_000;
const PROBE_MS = 5_000; // to any answer, after the tab or the network came back
const HIDDEN_MS = 120_000;
const FULL_MS = 10_000;
const SCOUT_MS = 5_000;
const HEARTBEAT_S = 30;
const AT_ONCE_MS = 500; // messages that so much time would allow may be sent at once

// Parts that few pages need come when they are needed. What did not come is asked for under another
// address: a browser may remember that it failed.
/** @type {NonNullable<import("./types.js").ClientOptions["load"]>} */
const LATER = {
  fallback: (again) => (again ? import(/** @type {any} */ ("./fallback.js?again")) : import("./fallback.js")),
  outbox: (again) => (again ? import(/** @type {any} */ ("./outbox.js?again")) : import("./outbox.js")),
};

/** @param {import("./types.js").ClientOptions} [options] */
export function createClient(options = {}) {
  const {
    server = "",
    url = socketUrl(server),
    token = null,
    getToken = token === null ? null : () => token,
    transports = ["websocket", "sse", "polling"],
    load = LATER,
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
    onMessage = () => {},
  } = options;

  const rooms = createRooms(options.rooms ?? []);
  let log = options.log ?? null;
  /** @type {ConnectionState} */
  let state = { name: "connecting" };
  /** @type {Transport|null} */
  let transport = null;
  let wanted = false;
  let visible = true;
  let asleep = false;
  let tries = 0;
  let welcomed = false; // on this connection
  let wiped = false; // on this connection
  let gapMs = 0; // between two messages to the server, in the long run
  let askedUpto = 0; // until then the server's patience is used up by what was asked
  let strange = 0; // tokens that the server did not know, one after the other
  /** @type {number|null} */
  let lastLive = null;
  let lastHeard = 0;
  let heartbeatMs = HEARTBEAT_S * 1000;
  /** @type {number|null} */
  let latencyMs = null;
  let pingAt = 0;
  let pingId = 0;
  let full = false;
  /** @type {any} */
  let hidden = null; // its timer outlives connections
  /** @type {Record<string, any>} */
  const clocks = {};

  const ways = createWays({
    kinds: transports,
    socket: { url, WebSocket },
    getToken,
    loadFallback: load.fallback,
    common: () => ({ server, fetch, timers, log, rooms: rooms.places }),
    handlers: { onText: heard, onClose: lost },
  });
  const post = createPost({
    load: load.outbox,
    transmit: (one) => transport?.send(one),
    timers,
    now,
    gapMs: () => gapMs,
  });
  const inbox = createSlices((/** @type {string} */ line) => receive(line), slices);

  /** @param {string} name  @param {number} ms  @param {() => void} run */
  function after(name, ms, run) {
    timers.clear(clocks[name]);
    clocks[name] = timers.set(run, ms);
  }

  /** @param {string[]} names */
  function cancel(...names) {
    for (const name of names.length ? names : Object.keys(clocks)) {
      timers.clear(clocks[name]);
      delete clocks[name];
    }
  }

  /** @param {ConnectionState} next */
  function become(next) {
    state = next;
    onState(next);
  }

  const since = () => (lastLive === null ? null : new Date(lastLive).toISOString());

  // connecting

  function connect() {
    if (!wanted || asleep) return;
    drop();
    lastHeard = now();
    transport = ways.open(ways.next());
    after("connect", CONNECT_MS, lost);
    if (!full && tries === 0) become({ name: "connecting" });
  }

  /** End the connection without a word; what was received but not yet applied will be sent again. */
  function drop() {
    cancel();
    transport?.close();
    transport = null;
    post.halt();
    welcomed = false;
    wiped = false;
    askedUpto = 0;
    inbox.clear();
    rooms.rest();
  }

  /** code: as of WebSocket; from 4000 on the server's own, so that it was reached.
   *  @param {{code?: number, reason?: string}} [end] */
  function lost({ code = 1006, reason = "" } = {}) {
    const kind = transport?.kind;
    if (state.name === "live" || state.name === "catchingUp") lastLive = now();
    if (kind) ways.ended(kind, code, welcomed);
    drop();
    if (!wanted || asleep) return;
    if (code === 4001) strange += 1;
    // a token that was just fetched may be of a server that has begun anew since: one more
    if (code === 4003 || (code === 4001 && (getToken === null || strange > 1))) {
      become({ name: "signedOut" });
    } else if (code === 4009) {
      full = true;
      become({ name: "tooMany", inMs: FULL_MS });
      if (!wanted) return;
      after("retry", FULL_MS, connect);
      // not live, but never older than that
      if (ways.has("polling")) {
        transport = ways.open("polling", { everyMs: FULL_MS, onClose: () => {} });
      }
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
      if (wanted) after("retry", offlineMs(random), connect);
      return;
    }
    const inMs = hintedMs(reason) ?? backoffMs(tries, random);
    become({ name: "reconnecting", tries, inMs, since: since() });
    if (wanted) after("retry", inMs, connect);
  }

  // listening

  /** @param {string} text  one or more JSON objects, one a line */
  function heard(text) {
    lastHeard = now();
    inbox.add(text.split("\n").filter(Boolean));
  }

  /** @param {string} line */
  function receive(line) {
    /** @type {Record<string, any>} */
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      // what can not be read may hold an event: ask for it again
      lost();
      return;
    }
    try {
      onMessage(message);
    } finally {
      // whoever listens may fail; nothing is lost for the others
      take(message);
    }
  }

  /** @param {Record<string, any>} message */
  function take(message) {
    if (typeof message.seq === "number" && "n" in message) {
      event(/** @type {WireEvent} */ (message));
    } else {
      ANSWERS[message.type]?.(message);
      // after what it asked or answered under the log that was known
      if (message.log) log = message.log;
    }
  }

  /** @param {WireEvent} message */
  function event(message) {
    const { job_id: job, batch_id: batch, n, seq } = message;
    const isNews = rooms.isPast(job ?? batch ?? "", n ?? seq);
    rooms.seen(seq);
    if (state.name === "catchingUp") progressed(seq);
    if (isNews) onEvent(message);
  }

  function anew() {
    if (wiped) return; // every room is told; what the first one brought must stay
    wiped = true;
    rooms.forget();
    onReset();
  }

  /** @type {Record<string, (message: Record<string, any>) => void>} */
  const ANSWERS = {
    welcome(message) {
      cancel("connect");
      welcomed = true;
      strange = 0;
      if (transport) ways.works(transport.kind);
      gapMs = 1000 / (message.limits?.messages_per_second ?? Infinity);
      if (message.heartbeat) {
        heartbeatMs = message.heartbeat * 1000;
        watch();
      }
      if (log !== null && message.log && message.log !== log) {
        rooms.rewind(); // a place of the log that was means another one here, and must not be asked for
        anew();
      }
      rooms.unanswered(); // a stream begins anew with a room more
      ask();
      settled();
    },
    subscribed(message) {
      rooms.subscribed(message);
      const { done, total } = rooms.reach();
      if (total > 0 && state.name !== "live" && !full) become({ name: "catchingUp", done, total });
    },
    live(message) {
      rooms.live(message);
      settled();
    },
    reset(message) {
      rooms.reset(message);
      anew();
    },
    truncated: ({ room }) => onTruncated(rooms.ours(room)),
    snapshot({ state: job }) {
      rooms.isPast(job.job_id, job.n);
      onSnapshot(job);
    },
    pong() {
      latencyMs = Math.max(0, Math.round(now() - pingAt));
      if (state.name === "live") become({ ...state, latencyMs });
    },
    ok: (message) => post.settle(message),
    error(message) {
      if (post.settle(message)) return;
      onError(/** @type {any} */ (message));
      if (message.code === "too_many_messages") {
        // it does not say which one was refused
        after("ask", (message.retry_after ?? 1) * 1000 + 1000, () => {
          rooms.unanswered();
          ask();
          post.again();
        });
      } else if (rooms.remove(message.id)) {
        settled();
      }
    },
  };

  let shown = 0;
  /** @param {number} at */
  function progressed(at) {
    const { done, total } = rooms.reach(at);
    // a sign that changes at every event would cost more than the events
    if (total > 0 && (done === total || done - shown >= Math.max(1, total / 50))) {
      shown = done;
      become({ name: "catchingUp", done, total });
    }
  }

  /** Live, once every room is. */
  function settled() {
    if (!transport || !rooms.isLive) return;
    const { kind, everyMs } = transport;
    post.begin();
    if (full && kind === "polling") return;
    tries = 0;
    full = false;
    shown = 0;
    lastLive = now();
    if (state.name !== "live" || state.transport !== kind) {
      become({ name: "live", transport: kind, latencyMs, ...(everyMs && { everyMs }) });
    }
    if (!transport) return; // whoever heard it has stopped
    if (kind === "websocket" && clocks.ping === undefined) ping();
    if (kind !== "websocket" && clocks.scout === undefined) scout(SCOUT_MS);
  }

  /** While there is no socket, see now and then whether one gets through after all.
   *  @param {number} inMs */
  function scout(inMs) {
    if (!ways.has("websocket")) return;
    after("scout", inMs, () => {
      const done = (/** @type {boolean} */ works) => {
        trial.close();
        if (!transport || transport.kind === "websocket") return;
        if (works) {
          ways.works("websocket");
          connect();
        } else {
          scout(Math.min(SCOUT_MS * 60, inMs * 2));
        }
      };
      const trial = ways.open("websocket", {
        onText: () => done(true),
        onClose: ({ code }) => done(code >= 4000),
      });
    });
  }

  /** Ask for the rooms that were not asked for yet, no quicker than the server takes messages: who
   *  says too much at once is shown the door. A stream's rooms stand in its address. */
  function ask() {
    const gap = transport?.kind === "websocket" ? gapMs : 0;
    for (let name = rooms.unasked(); name !== undefined; name = rooms.unasked()) {
      const upto = Math.max(askedUpto, now()) + gap;
      const early = upto - now() - Math.max(AT_ONCE_MS, gap);
      if (early > 0) {
        after("ask", early, ask);
        return;
      }
      askedUpto = upto;
      transport?.send({ op: "subscribe", ...rooms.ask(name, log) });
    }
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
    } else if (isHeard()) {
      probe();
    }
  }

  /** Tell whether there is a socket that could be asked for a sign of life. */
  const isHeard = () =>
    transport?.kind === "websocket" && (state.name === "live" || state.name === "catchingUp");

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
      timers.clear(hidden);
      drop();
      post.stop();
    },
    /** Steer a job or answer a question, now or once there is a connection; see outbox.js.
     *  @param {import("./outbox.js").Outgoing} message */
    send: post.send,
    get queued() {
      return post.size;
    },
    /** Try at once: a person asked, or signed in again. */
    retryNow() {
      if (!wanted) return;
      asleep = false;
      full = false;
      strange = 0;
      become({ name: "connecting" });
      connect();
    },
    /** Let another page of this browser have the place; this one goes on as one too many. */
    giveWay() {
      if (state.name === "live") lost({ code: 4009 });
    },
    /** @param {string} room  @param {number|null} [from]  as `after` of the options */
    follow(room, from = null) {
      if (rooms.add(room, from) && welcomed) ask();
    },
    /** A hidden page closes its connection after two minutes and resumes when seen again.
     *  @param {boolean} next */
    setVisible(next) {
      if (next === visible) return;
      visible = next;
      timers.clear(hidden);
      if (visible) wake();
      else hidden = timers.set(sleep, HIDDEN_MS);
    },
    /** The browser's word on the network; it may be wrong, so it only hurries things up.
     *  @param {boolean} online */
    setOnline(online) {
      if (online) wake();
      else if (isHeard()) probe();
    },
    sleep,
    positions: () => Object.fromEntries(rooms.places().map(([name, at]) => [name, at ?? 0])),
    get state() {
      return state;
    },
  };
}

/** @param {string} server */
function socketUrl(server) {
  const base = server || globalThis.location?.origin;
  return base ? `${base.replace(/^http/, "ws")}/ws` : "";
}

/** @param {Client} client  @param {Window} window */
export function attachToPage(client, window) {
  const { document } = window;
  const seen = () => client.setVisible(!document.hidden);
  /** @type {[string, (event: any) => void][]} */
  const listeners = [
    ["online", () => client.setOnline(true)],
    ["offline", () => client.setOnline(false)],
    ["pagehide", () => client.sleep()],
    ["pageshow", ({ persisted }) => persisted && client.retryNow()],
  ];
  document.addEventListener("visibilitychange", seen);
  for (const [name, fn] of listeners) window.addEventListener(name, fn);
  seen();
  return () => {
    document.removeEventListener("visibilitychange", seen);
    for (const [name, fn] of listeners) window.removeEventListener(name, fn);
  };
}
