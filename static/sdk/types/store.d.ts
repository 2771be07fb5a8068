/** What every file looks like now: what the events say (see jobs.js), and what a page says itself
 *  of a file, while it is being sent and there is no job yet.
 *
 *  createFileStatusStore({now?, onGap?, forgetAfterMs?, timers?}) -> store: that of jobs.js, and
 *    forgetAfterMs   so long after its end a file is forgotten; by itself never
 *  actions     addStep(fileId, step)  updateProgress(fileId, n)  markComplete(fileId)
 *              setError(fileId, text)
 *  handlers    {onEvent, onSnapshot, onReset} for createClient: the client feeds the store
 *
 *  @typedef {import("./jobs.js").FileStatus} FileStatus
 *  @typedef {import("./jobs.js").ProcessingStep} ProcessingStep
 *  @typedef {import("./fold.js").WireEvent} WireEvent
 *  @typedef {ReturnType<typeof createFileStatusStore>} FileStatusStore
 */
export type FileStatus = import("./jobs.js").FileStatus;
export type ProcessingStep = import("./jobs.js").ProcessingStep;
export type WireEvent = import("./fold.js").WireEvent;
export type FileStatusStore = ReturnType<typeof createFileStatusStore>;
export declare const STEPS_KEPT = 200;
/** @param {import("./jobs.js").JobStoreOptions & {forgetAfterMs?: number,
 *    timers?: import("./api.js").Timers}} [options] */
export declare function createFileStatusStore(options?: import("./jobs.js").JobStoreOptions & {
    forgetAfterMs?: number;
    timers?: import("./api.js").Timers;
}): {
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
    /** @param {string} fileId  @param {Partial<ProcessingStep> & {step: string}} step */
    addStep(fileId: string, step: Partial<ProcessingStep> & {
        step: string;
    }): void;
    /** @param {string} fileId  @param {number} progress */
    updateProgress(fileId: string, progress: number): void;
    /** @param {string} fileId */
    markComplete(fileId: string): void;
    /** @param {string} fileId  @param {string} text */
    setError(fileId: string, text: string): void;
    handlers: {
        onEvent: (event: import("./jobs.js").WireEvent) => boolean;
        onSnapshot: (snapshot: Partial<import("./jobs.js").JobState>) => boolean;
        onReset: () => void;
    };
};
