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
export type Kind = "websocket" | "sse" | "polling";
export type Message = Record<string, any> & {
    op: string;
    id?: string;
};
export type Transport = {
    kind: Kind;
    everyMs?: number;
    send: (message: Message) => void;
    close: () => void;
};
export type End = {
    code: number;
    reason?: string;
};
export type Handlers = {
    onText: (text: string) => void;
    onClose: (end: End) => void;
};
export type GetToken = (kind: Kind) => string | null | undefined | Promise<string | null | undefined>;
/** @param {{url: string, WebSocket: typeof globalThis.WebSocket} & Handlers} options
 *  @returns {Transport} */
export declare function openSocket({ url, WebSocket, onText, onClose }: {
    url: string;
    WebSocket: typeof globalThis.WebSocket;
} & Handlers): Transport;
/** @param {Kind} kind  @param {() => Promise<() => Transport>} prepare
 *  @param {Handlers["onClose"]} onClose  @returns {Transport} */
export declare function openLater(kind: Kind, prepare: () => Promise<() => Transport>, onClose: Handlers["onClose"]): Transport;
/** @param {{
 *    kinds: Kind[],
 *    socket: {url: string, WebSocket: typeof globalThis.WebSocket},
 *    getToken: GetToken|null,
 *    loadFallback: (again: boolean) => Promise<typeof import("./fallback.js")>,
 *    common: () => {server: string, fetch: typeof globalThis.fetch, log: string|null,
 *      timers: import("./api.js").Timers, rooms: () => [string, number|null][]},
 *    handlers: Handlers,
 *  }} options  common: what the other ways need, as it is now */
export declare function createWays({ kinds, socket, getToken, loadFallback, common, handlers }: {
    kinds: Kind[];
    socket: {
        url: string;
        WebSocket: typeof globalThis.WebSocket;
    };
    getToken: GetToken | null;
    loadFallback: (again: boolean) => Promise<typeof import("./fallback.js")>;
    common: () => {
        server: string;
        fetch: typeof globalThis.fetch;
        log: string | null;
        timers: import("./api.js").Timers;
        rooms: () => [string, number | null][];
    };
    handlers: Handlers;
}): {
    /** @param {Kind} kind  @param {Partial<Handlers> & {everyMs?: number}} [how]
     *  @returns {Transport} */
    open(kind: Kind, { everyMs, ...own }?: Partial<Handlers> & {
        everyMs?: number;
    }): Transport;
    /** The first one that is not known to be closed. */
    next: () => Kind;
    has: (/** @type {Kind} */ kind: Kind) => boolean;
    /** @param {Kind} kind */
    works(kind: Kind): void;
    /** @param {Kind} kind  @param {number} code  from 4000 on the server's own: it was reached
     *  @param {boolean} welcomed */
    ended(kind: Kind, code: number, welcomed: boolean): void;
};
/** The close code for a token that could not be had (4003: nobody is signed in there, either), or
 *  an answer that did not come. @param {{status?: number}} error */
export declare const endOf: ({ status }: {
    status?: number;
}) => 1006 | 4003;
/** @param {string} url  @param {Record<string, string|number|null|undefined>} values */
export declare function withQuery(url: string, values: Record<string, string | number | null | undefined>): string;
export declare const TRIES = 5;
/** Milliseconds to wait before attempt `tries` (1, 2, …): doubling, capped, half of it chance.
 *  @param {number} tries  @param {() => number} random  in [0, 1), so that tests own luck */
export declare function backoffMs(tries: number, random?: () => number): number;
/** Milliseconds between tries once offline. @param {() => number} random */
export declare const offlineMs: (random?: () => number) => number;
/** "restarting; retry_after=3.217" -> 3217: the server keeps its crowd apart.
 *  @param {string} reason  of the close */
export declare function hintedMs(reason: string): number | null;
