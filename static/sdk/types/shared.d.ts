/** One connection and one store for all parts of a page that listen to one server as one user.
 *
 *  join(options?) -> member
 *    options   as createClient's, without rooms and handlers; `store` instead of a new one
 *  member
 *    client  store
 *    state                          the connection's, see ConnectionState
 *    onState(fn) -> unsubscribe     fn() when it changed
 *    onMessage(fn) -> unsubscribe   fn(message) for whatever the server says, before the store knows
 *    onError(fn) -> unsubscribe     fn(error)
 *    leave()                        the last one to leave ends the connection
 *
 *  Who is the same: server, address, and token or getToken.
 */
export type SharedOptions = Omit<import("./types.js").ClientOptions, "rooms" | "log" | "onEvent" | "onState" | "onSnapshot" | "onReset" | "onTruncated" | "onError" | "onMessage"> & {
    store?: import("./store.js").FileStatusStore;
};
export type Member = ReturnType<typeof join>;
export type Line = {
    key: unknown[];
    members: number;
    client: import("./client.js").Client;
    store: import("./store.js").FileStatusStore;
    detach: () => void;
    listeners: Record<"state" | "message" | "error", Set<(said?: any) => void>>;
};
/** @param {SharedOptions} [options] */
export declare function join(options?: SharedOptions): {
    client: {
        start(): void;
        stop(): void;
        send: (message: import("./outbox.js").Outgoing) => Promise<{
            type: string;
        }>;
        readonly queued: number;
        retryNow(): void;
        giveWay(): void;
        follow(room: string, from?: number | null): void;
        setVisible(next: boolean): void;
        setOnline(online: boolean): void;
        sleep: () => void;
        positions: () => {
            [k: string]: number;
        };
        readonly state: import("./types.js").ConnectionState;
    };
    store: {
        applyEvent: (event: import("./jobs.js").WireEvent) => boolean;
        applySnapshot(snapshot: Partial<import("./jobs.js").JobState>): boolean;
        batch<T>(fn: () => T): T;
        change(fileId: string, facts: Partial<import("./jobs.js").FileStatus>): void;
        clearStatus(fileId: string): void;
        clearAll(): void;
        getStatus: (fileId: string) => import("./jobs.js").FileStatus | undefined;
        getAllStatuses: () => import("./jobs.js").FileStatus[];
        getActiveFiles: () => import("./jobs.js").FileStatus[];
        getCompletedFiles: () => import("./jobs.js").FileStatus[];
        getBatch: (batchId: string) => import("./jobs.js").BatchStatus | undefined;
        readonly size: number;
        subscribe(selector: string | ((store: any) => any), fn?: import("./jobs.js").FileListener | ((value: any, before: any) => void)): () => void;
        follow(fn: (event: import("./jobs.js").WireEvent, status: import("./jobs.js").FileStatus | undefined) => void): () => void;
    } & {
        addStep(fileId: string, step: Partial<import("./store.js").ProcessingStep> & {
            step: string;
        }): void;
        updateProgress(fileId: string, progress: number): void;
        markComplete(fileId: string): void;
        setError(fileId: string, text: string): void;
        handlers: {
            onEvent: (event: import("./jobs.js").WireEvent) => boolean;
            onSnapshot: (snapshot: Partial<import("./jobs.js").JobState>) => boolean;
            onReset: () => void;
        };
    };
    readonly state: import("./types.js").ConnectionState;
    /** @param {() => void} fn */
    onState: (fn: () => void) => () => void;
    /** @param {(message: Record<string, any>) => void} fn */
    onMessage: (fn: (message: Record<string, any>) => void) => () => void;
    /** @param {(error: import("./types.js").Refusal) => void} fn */
    onError: (fn: (error: import("./types.js").Refusal) => void) => () => void;
    leave(): void;
};
/** @param {import("./types.js").ConnectionState} state */
export declare const isConnected: ({ name }: import("./types.js").ConnectionState) => boolean;
