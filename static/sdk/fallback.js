/** Two ways to listen where no WebSocket opens; they speak the protocol of the socket.
 *
 *  openStream({server, fetch, getToken, rooms, log, ...handlers}) -> Transport
 *     an event stream. A room that is followed later begins it anew, from the places reached
 *  openPolling({server, fetch, getToken, log, timers, everyMs, ...handlers}) -> Transport
 *     asks the history again and again
 *
 *  Both take `subscribe` and say `welcome`, `subscribed`, events, `live`, `reset` and `truncated`;
 *  what steers a job or answers a question they carry over HTTP, and say `ok` or `error`.
 *
 *  @typedef {import("./transports.js").Transport} Transport
 *  @typedef {import("./transports.js").Message} Message
 *  @typedef {import("./transports.js").Handlers} Handlers
 *  @typedef {import("./transports.js").GetToken} GetToken
 *  @typedef {{server: string, fetch: typeof globalThis.fetch, getToken: GetToken|null,
 *    log: string|null} & Handlers} Common  server: "" for the page's own
 */

import { createApi, parse } from "./api.js";
import { endOf, withQuery } from "./transports.js";

/** What the log answers a page with, at most. */
const PAGE = 1000;
/** Answers without events, as a socket would close. @type {Record<number, number>} */
const CODES = { 401: 4001, 403: 4003, 404: 4004 };

/** @param {Pick<Common, "server"|"fetch"> & {say: (message: object) => void,
 *    end: (code: number) => void}} options
 *  @returns {(message: Message) => Promise<void>}  for every message but `subscribe` */
function carrier({ server, fetch, say, end }) {
  const api = createApi({ fetch, base: `${server}/api/v1` });
  return async ({ op, id = "", job_id: job, clarification_id: question, ...rest }) => {
    const path = question ? `/clarifications/${encodeURIComponent(question)}/answer` : `/jobs/${encodeURIComponent(job)}/${op}`;
    try {
      await api.post(path, question ? rest : {}, { key: id });
      say({ type: "ok", id });
    } catch (error) {
      const problem = /** @type {import("./api.js").ProblemError} */ (error);
      // no answer: it is sent again, under the same key, once there is a connection
      if (problem.status === 0) end(1006);
      else say({ type: "error", id, code: problem.code, message: problem.title, retry_after: problem.retryAfter });
    }
  };
}

/** @param {Common & {rooms: () => [name: string, after: number|null][]}} options
 *    rooms  what is followed now, and from where; null: the states first
 *  @returns {Transport} */
export function openStream({ server, fetch, getToken, rooms, log, onText, onClose }) {
  let over = false;
  let request = new AbortController();
  /** The rooms of this request; `welcome` says the rest. @type {Set<string>} */
  let asked = new Set();
  let head = 0;
  let user = "";

  /** @param {object} message */
  const say = (message) => onText(JSON.stringify(message));
  /** @param {number} code  @param {string} [reason] */
  function end(code, reason = "") {
    if (over) return;
    stop();
    onClose({ code, reason });
  }
  function stop() {
    over = true;
    request.abort();
  }
  const carry = carrier({ server, fetch, say, end });

  function address(/** @type {string|null|undefined} */ token) {
    const followed = rooms();
    asked = new Set(followed.map(([name]) => name));
    const fresh = followed.every(([, after]) => after === null);
    const after = Math.min(...followed.map(([, at]) => at ?? 0));
    const place = fresh ? { snapshot: "true" } : { after: log ? `${log}:${after}` : after };
    const url = withQuery(`${server}/api/v1/events`, { ...place, token });
    return url + followed.map(([name]) => `&room=${encodeURIComponent(name)}`).join("");
  }

  async function read() {
    request.abort();
    const mine = (request = new AbortController());
    try {
      const token = await getToken?.("sse");
      if (mine.signal.aborted) return;
      const answer = await fetch(address(token), {
        headers: { Accept: "text/event-stream" },
        credentials: "same-origin",
        cache: "no-store",
        signal: mine.signal,
      });
      if (!answer.ok || !answer.body) {
        const problem = parse(await answer.text());
        const full = problem?.code === "too_many_connections";
        const wait = answer.headers.get("Retry-After");
        end(full ? 4009 : (CODES[answer.status] ?? 1011), wait ? `retry_after=${wait}` : "");
        return;
      }
      await follow(answer.body.getReader());
    } catch (error) {
      if (mine.signal.aborted) return;
      end(endOf(/** @type {{status?: number}} */ (error)));
      return;
    }
    if (mine === request) end(1006);
  }

  /** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
  async function follow(reader) {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done || over) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      onText("");
      for (const block of blocks) if (!over) take(block.split("\n"));
    }
  }

  /** @param {string[]} lines  of one block */
  function take(lines) {
    const text = lines.find((line) => line.startsWith("data:"))?.slice(5);
    if (text === undefined) return; // a heartbeat, or how long a browser should wait
    const type = lines.find((line) => line.startsWith("event:"))?.slice(6).trim();
    if (type === "goodbye") {
      const { code, message, retry_after: wait } = JSON.parse(text);
      end(code, wait === undefined ? message : `${message}; retry_after=${wait}`);
      return;
    }
    if (type === "welcome") ({ head, user_id: user, log } = JSON.parse(text));
    onText(text);
  }

  if (rooms().length) read();
  else queueMicrotask(() => say({ type: "welcome", log, head: 0, heartbeat: null }));
  return {
    kind: "sse",
    send(message) {
      if (message.op !== "subscribe") carry(message);
      else if (asked.has(message.room)) {
        const room = message.room === "user:me" ? `user:${user}` : message.room;
        say({ type: "subscribed", id: message.room, room, head });
      } else read();
    },
    close: stop,
  };
}

/** @param {Common & {everyMs?: number, timeoutMs?: number,
 *    timers: import("./api.js").Timers}} options  @returns {Transport} */
export function openPolling(options) {
  const { server, fetch, getToken, timers, everyMs = 2000, timeoutMs = 10_000 } = options;
  const { onText, onClose } = options;
  /** @type {Map<string, {after: number, live: boolean, total?: number}>} */
  const rooms = new Map();
  let opened = false;
  let over = false;
  let busy = false;
  let request = new AbortController();
  let { log } = options;

  /** @param {object} message */
  const say = (message) => onText(JSON.stringify(message));

  /** @param {number} code */
  function end(code) {
    if (over) return;
    stop();
    onClose({ code });
  }

  function stop() {
    over = true;
    timers.clear(timer);
    request.abort();
  }
  const carry = carrier({ server, fetch, say, end });

  /** @param {string} room  @param {number} after */
  async function page(room, after) {
    const token = await getToken?.("polling");
    request = new AbortController();
    const late = timers.set(() => request.abort(), timeoutMs);
    const url = withQuery(`${server}/api/v1/events/history`, { room, after, limit: PAGE, token });
    try {
      const answer = await fetch(url, {
        signal: request.signal,
        headers: { Accept: "application/json" },
        credentials: "same-origin",
      });
      return answer.ok ? await answer.json() : { code: CODES[answer.status] ?? 1011 };
    } finally {
      timers.clear(late);
    }
  }

  /** Ask for one room until nothing is left. Returns a close code when it can not go on.
   *  @param {string} name  @param {{after: number, live: boolean, total?: number}} room */
  async function follow(name, room) {
    for (;;) {
      const found = await page(name, room.after);
      if (over || rooms.get(name) !== room) return 0;
      if (found.code === 4004) {
        rooms.delete(name);
        say({ type: "error", id: name, code: "not_found", message: "There is no such room" });
        return 0;
      }
      if (found.code) return found.code;
      const another = log && found.log !== log;
      log = found.log;
      if (another || found.head < room.after) {
        room.after = 0;
        room.total = undefined;
        say({ type: "reset", room: name, log });
        continue;
      }
      if (!room.live && room.total === undefined) {
        room.total = found.head;
        say({ type: "subscribed", id: name, room: name, head: room.total });
      }
      if (found.truncated) say({ type: "truncated", room: name, oldest: found.oldest });
      room.after = Math.max(room.after, found.after);
      onText(found.events.map((/** @type {object} */ event) => JSON.stringify(event)).join("\n"));
      if (!found.more) break;
    }
    if (!room.live) {
      room.live = true;
      say({ type: "live", room: name, seq: room.after, log });
    }
    return 0;
  }

  async function round() {
    if (busy || over) return;
    busy = true;
    timers.clear(timer);
    let code = 0;
    try {
      for (const [name, room] of rooms) {
        code = await follow(name, room);
        if (code || over) break;
      }
    } catch (error) {
      // no token, no answer, a cut answer, or not JSON
      code = endOf(/** @type {{status?: number}} */ (error));
    }
    busy = false;
    if (over) return;
    if (code) {
      end(code);
      return;
    }
    timer = timers.set(round, [...rooms.values()].every((room) => room.live) ? everyMs : 0);
  }

  let timer = timers.set(() => {
    opened = true;
    say({ type: "welcome", log, head: 0, heartbeat: null });
    round();
  }, 0);

  return {
    kind: "polling",
    everyMs,
    send(message) {
      if (message.op !== "subscribe") {
        carry(message);
        return;
      }
      rooms.set(message.room, { after: message.after ?? 0, live: false });
      if (opened && !busy) {
        timers.clear(timer);
        timer = timers.set(round, 0);
      }
    },
    close: stop,
  };
}
