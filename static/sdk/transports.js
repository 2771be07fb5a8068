/** The socket, and what all ways to listen have in common: text lines of the protocol in,
 *  messages out. The ways for where no socket opens are in fallback.js, loaded when needed.
 *
 *  openSocket({url, WebSocket, ...handlers}) -> Transport
 *  openLater(kind, prepare, handlers) -> Transport    one that needs a token or a module first
 *  createWays(options) -> ways     which way is taken next, and how it is opened
 *  ways.open(kind, how?)  next()  has(kind)  works(kind)  ended(kind, code, welcomed)
 *  backoffMs(tries, random?) -> ms          how long to wait before trying again: 1 s doubling to 5 s,
 *                                           half of it chance; after TRIES
 *  offlineMs(random?) -> ms                 every 30 s, give or take a tenth
 *  hintedMs(reason) -> ms | null            what a server that restarts asks for, as it closes
 *  withQuery(url, {name: value}) -> url               null and "" are left out
 *
 *  @typedef {"websocket"|"sse"|"polling"} Kind
 *  @typedef {Record<string, any> & {op: string, id?: string}} Message  to the server
 *  @typedef {{kind: Kind, everyMs?: number, send: (message: Message) => void,
 *    close: () => void}} Transport  everyMs: of polling
 *  @typedef {{code: number, reason?: string}} End  as of WebSocket
 *  @typedef {{onText: (text: string) => void, onClose: (end: End) => void}} Handlers
 *    onText   one or more JSON objects, one a line; "" for a sign of life alone
 *    onClose  once, at the end; not after close()
 *  @typedef {(kind: Kind) => string|null|undefined|Promise<string|null|undefined>} GetToken
 */

/** @param {{url: string, WebSocket: typeof globalThis.WebSocket} & Handlers} options
 *  @returns {Transport} */
export function openSocket({ url, WebSocket, onText, onClose }) {
  let over = false;
  const socket = new WebSocket(url);
  socket.onopen = () => {
    if (over) socket.close(1000);
  };
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

/** @param {Kind} kind  @param {() => Promise<() => Transport>} prepare
 *  @param {Handlers["onClose"]} onClose  @returns {Transport} */
export function openLater(kind, prepare, onClose) {
  let over = false;
  /** @type {Transport|null} */
  let inner = null;
  prepare()
    .then((open) => {
      if (!over) inner = open();
    })
    .catch((error) => {
      if (over) return;
      over = true;
      onClose({ code: endOf(error) });
    });
  return {
    kind,
    get everyMs() {
      return inner?.everyMs;
    },
    send: (message) => inner?.send(message),
    close() {
      over = true;
      inner?.close();
    },
  };
}

const PATIENCE = 2; // how often a way may not open before the next one is taken

/** @param {{
 *    kinds: Kind[],
 *    socket: {url: string, WebSocket: typeof globalThis.WebSocket},
 *    getToken: GetToken|null,
 *    loadFallback: (again: boolean) => Promise<typeof import("./fallback.js")>,
 *    common: () => {server: string, fetch: typeof globalThis.fetch, log: string|null,
 *      timers: import("./api.js").Timers, rooms: () => [string, number|null][]},
 *    handlers: Handlers,
 *  }} options  common: what the other ways need, as it is now */
export function createWays({ kinds, socket, getToken, loadFallback, common, handlers }) {
  const ways = kinds.filter((kind) => kind !== "websocket" || socket.WebSocket !== undefined);
  const last = ways[ways.length - 1];
  /** How often each did not open, one after the other. @type {Map<Kind, number>} */
  const unopened = new Map();
  let everOpened = false; // a socket was: it will be again
  let again = false; // the module of the other ways did not come

  async function others() {
    try {
      return await loadFallback(again);
    } catch (error) {
      again = true;
      throw error;
    }
  }

  return {
    /** @param {Kind} kind  @param {Partial<Handlers> & {everyMs?: number}} [how]
     *  @returns {Transport} */
    open(kind, { everyMs, ...own } = {}) {
      const told = { ...handlers, ...own };
      if (kind === "websocket") {
        const to = (/** @type {string|null|undefined} */ token) =>
          openSocket({ ...told, ...socket, url: withQuery(socket.url, { token }) });
        if (getToken === null) return to(null);
        const prepare = async () => {
          const token = await getToken(kind);
          return () => to(token);
        };
        return openLater(kind, prepare, told.onClose);
      }
      const prepare = async () => {
        const { openPolling, openStream } = await others();
        const options = { ...common(), getToken, ...told };
        return () => (kind === "sse" ? openStream(options) : openPolling({ ...options, everyMs }));
      };
      return openLater(kind, prepare, told.onClose);
    },
    /** The first one that is not known to be closed. */
    next: () => ways.find((kind) => (unopened.get(kind) ?? 0) < PATIENCE) ?? last,
    has: (/** @type {Kind} */ kind) => ways.includes(kind),
    /** @param {Kind} kind */
    works(kind) {
      unopened.set(kind, 0);
      if (kind === "websocket") everOpened = true;
    },
    /** @param {Kind} kind  @param {number} code  from 4000 on the server's own: it was reached
     *  @param {boolean} welcomed */
    ended(kind, code, welcomed) {
      if (kind === "websocket") {
        if (code >= 4000) everOpened = true;
        if (!everOpened) unopened.set(kind, (unopened.get(kind) ?? 0) + 1);
        return;
      }
      // what a stream does not say is which room there is not: polling does
      const times = code === 4004 ? PATIENCE : (unopened.get(kind) ?? 0) + 1;
      if (!welcomed) unopened.set(kind, times);
      if (!welcomed && kind !== last) return;
      // those before it get a turn before it does again
      for (const one of ways) if (one !== "websocket" || !everOpened) unopened.set(one, 1);
      if (welcomed) unopened.set(kind, 0);
    },
  };
}

/** The close code for a token that could not be had (4003: nobody is signed in there, either), or
 *  an answer that did not come. @param {{status?: number}} error */
export const endOf = ({ status }) => (status === 401 || status === 403 ? 4003 : 1006);

/** @param {string} url  @param {Record<string, string|number|null|undefined>} values */
export function withQuery(url, values) {
  const pairs = Object.entries(values).filter(([, value]) => (value ?? "") !== "");
  if (pairs.length === 0) return url;
  const query = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]));
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

export const TRIES = 5;

/** Milliseconds to wait before attempt `tries` (1, 2, …): doubling, capped, half of it chance.
 *  @param {number} tries  @param {() => number} random  in [0, 1), so that tests own luck */
export function backoffMs(tries, random = Math.random) {
  const ceiling = Math.min(5_000, 1_000 * 2 ** (tries - 1));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

/** Milliseconds between tries once offline. @param {() => number} random */
export const offlineMs = (random = Math.random) => Math.round(27_000 + random() * 6_000);

/** "restarting; retry_after=3.217" -> 3217: the server keeps its crowd apart.
 *  @param {string} reason  of the close */
export function hintedMs(reason) {
  const found = /retry_after=([\d.]+)/.exec(reason);
  return found && Number(found[1]) * 1000;
}
