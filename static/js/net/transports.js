/** Two ways to listen, one shape: text lines of the protocol in, messages out.
 *
 *  openSocket({url, WebSocket, ...handlers}) -> {kind: "websocket", send(message), close()}
 *  openPolling({url, fetch, timers, everyMs, log, ...handlers}) -> {kind: "polling", send, close}
 *
 *  handlers
 *    onOpen()                        the way is open (a `welcome` line follows)
 *    onText(text)                    one or more JSON objects, one a line
 *    onClose({code})                 once, at the end; not after close(). code as of WebSocket
 *
 *  Polling speaks the same protocol: it takes `subscribe` and `unsubscribe`, asks the history
 *  again and again, and says `welcome`, `subscribed`, events, `live` and `reset` itself.
 */

/** What the log answers a page with, at most. */
const PAGE = 1000;

export function openSocket({ url, WebSocket, onOpen, onText, onClose }) {
  let over = false;
  const socket = new WebSocket(url);
  const end = (code) => {
    if (over) return;
    over = true;
    onClose({ code });
  };
  socket.onopen = () => (over ? socket.close(1000) : onOpen());
  socket.onmessage = (message) => {
    if (!over && typeof message.data === "string") onText(message.data);
  };
  // an error is always followed by a close, which knows more
  socket.onerror = () => {};
  socket.onclose = (event) => end(event.code);
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
  let log = null;

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
      if (answer.status === 401) return { code: 4001 };
      if (answer.status === 403) return { code: 4003 };
      if (answer.status === 404) return { code: 4004 };
      if (!answer.ok) return { code: 1011 };
      return await answer.json();
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
      const another = found.log && log && found.log !== log;
      if (another || found.head < room.after) {
        log = found.log ?? log;
        room.after = 0;
        room.total = undefined;
        say({ type: "reset", room: name, log });
        continue;
      }
      log ??= found.log ?? null;
      const events = found.events;
      if (!room.live && room.total === undefined) {
        room.total = found.head ?? events.at(-1)?.seq ?? room.after;
        say({ type: "subscribed", id: name, room: name, head: room.total });
      }
      room.after = Math.max(room.after, found.after ?? events.at(-1)?.seq ?? 0);
      if (events.length > 0) {
        onText(events.map((event) => JSON.stringify(event)).join("\n"));
      }
      if (!(found.more ?? events.length >= PAGE)) break;
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

  log = options.log ?? null;
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
      if (message.op === "subscribe") {
        rooms.set(message.room, { after: message.after ?? 0, live: false });
        if (opened && !busy) {
          timers.clear(timer);
          timer = timers.set(round, 0);
        }
      } else if (message.op === "unsubscribe") {
        rooms.delete(message.room);
      }
    },
    close: stop,
  };
}
