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
export type ConnectionState = import("./types.js").ConnectionState;
export type WireEvent = import("./fold.js").WireEvent;
export type Transport = import("./transports.js").Transport;
export type Client = ReturnType<typeof createClient>;
/** @param {import("./types.js").ClientOptions} [options] */
export declare function createClient(options?: import("./types.js").ClientOptions): {
    start(): void;
    stop(): void;
    /** Steer a job or answer a question, now or once there is a connection; see outbox.js.
     *  @param {import("./outbox.js").Outgoing} message */
    send: (message: import("./outbox.js").Outgoing) => Promise<{
        type: string;
    }>;
    readonly queued: number;
    /** Try at once: a person asked, or signed in again. */
    retryNow(): void;
    /** Let another page of this browser have the place; this one goes on as one too many. */
    giveWay(): void;
    /** @param {string} room  @param {number|null} [from]  as `after` of the options */
    follow(room: string, from?: number | null): void;
    /** A hidden page closes its connection after two minutes and resumes when seen again.
     *  @param {boolean} next */
    setVisible(next: boolean): void;
    /** The browser's word on the network; it may be wrong, so it only hurries things up.
     *  @param {boolean} online */
    setOnline(online: boolean): void;
    sleep: () => void;
    positions: () => {
        [k: string]: number;
    };
    readonly state: import("./types.js").ConnectionState;
};
/** @param {Client} client  @param {Window} window */
export declare function attachToPage(client: Client, window: Window): () => void;
