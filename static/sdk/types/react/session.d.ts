/** One job or batch with its readers' answers and its questions: system C's hook. */
export type SessionModelResult = {
    modelName: string;
    provider: string;
    status: string;
    duration: number;
    result: Record<string, any> | null;
    error: string | null;
    timestamp: string;
};
export type SessionClarification = {
    clarificationId: string;
    question: string;
    choices: {
        value: any;
        label: string;
    }[];
    status: "pending" | "answered";
    timestamp: string;
};
export type SessionProgress = {
    sessionId: string;
    status: "ACTIVE" | "PROCESSING" | "COMPLETED" | "FAILED" | "EXPIRED";
    progress: number;
    prompts: {
        total: number;
        completed: number;
        processing: number;
        pending: number;
        failed: number;
    };
    hasClarifications: boolean;
    clarificationCount: number;
    hasResult: boolean;
    result: Record<string, any> | null;
};
/** @param {string|null} sessionId  a job's or a batch's id
 *  @param {import("./line.js").SharedOptions} [options] */
export declare function useSessionWebSocket(sessionId: string | null, options?: import("./line.js").SharedOptions): {
    socket: {
        start(): void;
        stop(): void;
        send: (message: import("../outbox.js").Outgoing) => Promise<{
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
        readonly state: import("../types.js").ConnectionState;
    } | null;
    isConnected: boolean;
    progress: SessionProgress | null;
    modelResults: SessionModelResult[];
    clarifications: SessionClarification[];
    isCompleted: boolean;
};
/** Prompts are the steps of one job, or the jobs of a batch.
 *  @param {string} sessionId  @param {import("../store.js").FileStatus[]} statuses
 *  @returns {SessionProgress|null} */
export declare function progressOf(sessionId: string, statuses: import("../store.js").FileStatus[]): SessionProgress | null;
