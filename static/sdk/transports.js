/** Two ways to listen, one shape: text lines of the protocol in, messages out.
 *
 *  openSocket({url, WebSocket, ...handlers}) -> {kind: "websocket", send(message), close()}
 *  openPolling({url, fetch, timers, everyMs, log, ...handlers}) -> {kind: "polling", send, close}
 *
 *  handlers
 *    onOpen()                        the way is open (a `welcome` line follows)
 *    onText(text)                    one or more JSON objects, one a line
 *    onClose({code, reason})         once, at the end; not after close(). As of WebSocket
 *
 *  Polling speaks the same protocol: it takes `subscribe`, asks the history again and again, and
 *  says `welcome`, `subscribed`, events, `live`, `reset` and `truncated` itself.
 */

/** What the log answers a page with, at most. */
const PAGE = 1000;
/** Answers without events, as a socket would close. @type {Record<number, number>} */
const CODES = { 401: 4001, 403: 4003, 404: 4004 };

export function openSocket({ url, WebSocket, onOpen, onText, onClose }) {
  let over = false;
  const socket = new WebSocket(url);
  socket.onopen = () => (over ? socket.close(1000) : onOpen());
  socket.onmessage = (message) => {
    if (!over && typeof message.data === "string") onText(message.data);
  };
  // an error is always followed by a close, which knows more
  socket.onerror = () => {};
  socket.onclose = (event) => {
    if (!over) onClose(event);
    over = true;
  };
  return {
    kind: "websocket",
    send(message) {
      if (socket.readyState === 1) socket.send(JSON.stringify(message));
    },
    close() {
      over = true;
      // one that is still connecting is closed once it is open: now, it would be an error to tell
      if (socket.readyState) socket.close(1000);
    },
  };
}

/** @param {{url: string, fetch: typeof fetch, everyMs?: number, log?: string|null,
 *    timers: {set: (run: () => void, ms: number) => any, clear: (id: any) => void},
 *    onOpen: () => void, onText: (text: string) => void,
 *    onClose: (end: {code: number}) => void}} options
 *  url  of GET /api/v1/events/history, which answers {events, after, head, more} */
export function openPolling(options) {
  const { url, fetch, timers, everyMs = 2000, timeoutMs = 10_000 } = options;
  const { onOpen, onText, onClose } = options;
  /** @type {Map<string, {after: number, live: boolean}>} */
  const rooms = new Map();
  let opened = false;
  let over = false;
  let busy = false;
  let timer = null;
  let request = null;
  let { log = null } = options;

  const say = (message) => onText(JSON.stringify(message));

  function end(code) {
    if (over) return;
    stop();
    onClose({ code });
  }

  function stop() {
    over = true;
    timers.clear(timer);
    request?.abort();
  }

  async function page(room, after) {
    request = new AbortController();
    const late = timers.set(() => request.abort(), timeoutMs);
    const query = `room=${encodeURIComponent(room)}&after=${after}&limit=${PAGE}`;
    try {
      const answer = await fetch(`${url}?${query}`, {
        signal: request.signal,
        headers: { Accept: "application/json" },
        credentials: "same-origin",
      });
      return answer.ok ? await answer.json() : { code: CODES[answer.status] ?? 1011 };
    } finally {
      timers.clear(late);
    }
  }

  /** Ask for one room until nothing is left. Returns a close code when it can not go on. */
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
      onText(found.events.map((event) => JSON.stringify(event)).join("\n"));
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
    } catch {
      code = 1006; // no answer, a cut answer, or not JSON
    }
    busy = false;
    if (over) return;
    if (code) {
      end(code);
      return;
    }
    timer = timers.set(round, [...rooms.values()].every((room) => room.live) ? everyMs : 0);
  }

  timer = timers.set(() => {
    opened = true;
    onOpen();
    say({ type: "welcome", log, head: 0, heartbeat: null });
    round();
  }, 0);

  return {
    kind: "polling",
    everyMs,
    send(message) {
      if (message.op !== "subscribe") return;
      rooms.set(message.room, { after: message.after, live: false });
      if (opened && !busy) {
        timers.clear(timer);
        timer = timers.set(round, 0);
      }
    },
    close: stop,
  };
}
