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
export type Transport = import("./transports.js").Transport;
export type Message = import("./transports.js").Message;
export type Handlers = import("./transports.js").Handlers;
export type GetToken = import("./transports.js").GetToken;
export type Common = {
    server: string;
    fetch: typeof globalThis.fetch;
    getToken: GetToken | null;
    log: string | null;
} & Handlers;
/** @param {Common & {rooms: () => [name: string, after: number|null][]}} options
 *    rooms  what is followed now, and from where; null: the states first
 *  @returns {Transport} */
export declare function openStream({ server, fetch, getToken, rooms, log, onText, onClose }: Common & {
    rooms: () => [name: string, after: number | null][];
}): Transport;
/** @param {Common & {everyMs?: number, timeoutMs?: number,
 *    timers: import("./api.js").Timers}} options  @returns {Transport} */
export declare function openPolling(options: Common & {
    everyMs?: number;
    timeoutMs?: number;
    timers: import("./api.js").Timers;
}): Transport;
