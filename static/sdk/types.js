/** Shapes that several modules, and whoever uses the kit, speak of. Nothing here runs.
 *
 *  @typedef {{name: "connecting"}
 *    | {name: "live", transport: Kind, latencyMs: number|null, everyMs?: number}
 *    | {name: "reconnecting", tries: number, inMs: number, since: string|null}
 *    | {name: "catchingUp", done: number, total: number}
 *    | {name: "offline", since: string|null}
 *    | {name: "signedOut"} | {name: "tooMany", inMs: number}} ConnectionState
 *  `since` is when it was last live, ISO 8601. `done` and `total` of catchingUp count places in
 *  the log, others' events among them, so that `total` is what there is to catch up at most.
 *
 *  @typedef {import("./transports.js").Kind} Kind
 *  @typedef {import("./client.js").Client} Client
 *  @typedef {import("./fold.js").WireEvent} WireEvent
 *  @typedef {import("./fold.js").JobState} JobState
 *  @typedef {{id?: string|number, code: string, message: string, retry_after?: number}} Refusal
 *  @typedef {{
 *    rooms?: {room: string, after?: number|null}[],
 *    log?: string|null,
 *    onEvent?: (event: WireEvent) => void,
 *    onState?: (state: ConnectionState) => void,
 *    onSnapshot?: (job: JobState) => void,
 *    onReset?: () => void,
 *    onTruncated?: (room: string) => void,
 *    onError?: (error: Refusal) => void,
 *    onMessage?: (message: Record<string, any>) => void,
 *    server?: string,
 *    token?: string|null,
 *    getToken?: import("./transports.js").GetToken|null,
 *    transports?: Kind[],
 *    url?: string,
 *    WebSocket?: typeof globalThis.WebSocket,
 *    fetch?: typeof globalThis.fetch,
 *    timers?: import("./api.js").Timers,
 *    now?: () => number,
 *    random?: () => number,
 *    slices?: import("./frame.js").SliceOptions,
 *    load?: {fallback: (again: boolean) => Promise<typeof import("./fallback.js")>,
 *      outbox: (again: boolean) => Promise<typeof import("./outbox.js")>},
 *  }} ClientOptions
 */

export {};
