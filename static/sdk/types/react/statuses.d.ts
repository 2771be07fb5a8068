/** All files of a user, in one store of the page: system A's hook and store. */
/** What every file looks like now; also outside components. */
export declare const fileStatusStore: {
    applyEvent: (event: import("../jobs.js").WireEvent) => boolean;
    applySnapshot(snapshot: Partial<import("../jobs.js").JobState>): boolean;
    batch<T>(fn: () => T): T;
    change(fileId: string, facts: Partial<import("../jobs.js").FileStatus>): void;
    clearStatus(fileId: string): void;
    clearAll(): void;
    getStatus: (fileId: string) => import("../jobs.js").FileStatus | undefined;
    getAllStatuses: () => import("../jobs.js").FileStatus[];
    getActiveFiles: () => import("../jobs.js").FileStatus[];
    getCompletedFiles: () => import("../jobs.js").FileStatus[];
    getBatch: (batchId: string) => import("../jobs.js").BatchStatus | undefined;
    readonly size: number;
    subscribe(selector: string | ((store: any) => any), fn?: import("../jobs.js").FileListener | ((value: any, before: any) => void)): () => void;
    follow(fn: (event: import("../jobs.js").WireEvent, status: import("../jobs.js").FileStatus | undefined) => void): () => void;
} & {
    addStep(fileId: string, step: Partial<import("../store.js").ProcessingStep> & {
        step: string;
    }): void;
    updateProgress(fileId: string, progress: number): void;
    markComplete(fileId: string): void;
    setError(fileId: string, text: string): void;
    handlers: {
        onEvent: (event: import("../jobs.js").WireEvent) => boolean;
        onSnapshot: (snapshot: Partial<import("../jobs.js").JobState>) => boolean;
        onReset: () => void;
    };
};
/** Keep the store up to date with everything that happens to the user's files.
 *  @param {string|null} [userId]  whose; the token says so too, and null waits until somebody is
 *    signed in
 *  @param {string|null} [sessionToken]  a listen-only token; none: the page's cookie
 *  @param {import("./line.js").SharedOptions} [options] */
export declare function useFileStatusSocket(userId?: string | null, sessionToken?: string | null, options?: import("./line.js").SharedOptions): {
    isConnected: boolean;
    state: import("../types.js").ConnectionState;
    emit: (op: string, fields?: Record<string, any>) => Promise<{
        type: string;
    }>;
};
/** What `selector` takes from the store: useFileStatusStore((files) => files.getStatus(id)). The
 *  component is rendered again when that is another value. Without one, the whole store.
 *  @template T
 *  @param {(store: import("../store.js").FileStatusStore) => T} [selector]
 *  @returns {T} */
export declare function useFileStatusStore<T>(selector?: (store: import("../store.js").FileStatusStore) => T): T;
export declare namespace useFileStatusStore {
    var getState: () => {
        applyEvent: (event: import("../jobs.js").WireEvent) => boolean;
        applySnapshot(snapshot: Partial<import("../jobs.js").JobState>): boolean;
        batch<T>(fn: () => T): T;
        change(fileId: string, facts: Partial<import("../jobs.js").FileStatus>): void;
        clearStatus(fileId: string): void;
        clearAll(): void;
        getStatus: (fileId: string) => import("../jobs.js").FileStatus | undefined;
        getAllStatuses: () => import("../jobs.js").FileStatus[];
        getActiveFiles: () => import("../jobs.js").FileStatus[];
        getCompletedFiles: () => import("../jobs.js").FileStatus[];
        getBatch: (batchId: string) => import("../jobs.js").BatchStatus | undefined;
        readonly size: number;
        subscribe(selector: string | ((store: any) => any), fn?: import("../jobs.js").FileListener | ((value: any, before: any) => void)): () => void;
        follow(fn: (event: import("../jobs.js").WireEvent, status: import("../jobs.js").FileStatus | undefined) => void): () => void;
    } & {
        addStep(fileId: string, step: Partial<import("../store.js").ProcessingStep> & {
            step: string;
        }): void;
        updateProgress(fileId: string, progress: number): void;
        markComplete(fileId: string): void;
        setError(fileId: string, text: string): void;
        handlers: {
            onEvent: (event: import("../jobs.js").WireEvent) => boolean;
            onSnapshot: (snapshot: Partial<import("../jobs.js").JobState>) => boolean;
            onReset: () => void;
        };
    };
}
