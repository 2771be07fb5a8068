/** How far one upload is: system D's hook. */
export type FileStatus = import("../store.js").FileStatus;
export type UploadStatus = {
    progress: number;
    status: "connected" | "processing" | "completed" | "error";
    stage: string | null;
    message: string;
    details: Record<string, any>;
    error: string | null;
    files: FileStatus[];
};
/** @param {string|null} batchId  null: there is none yet
 *  @param {string|null} [token]  a listen-only token; none: the page's cookie
 *  @param {import("./line.js").SharedOptions} [options]
 *  @returns {UploadStatus & {isConnected: boolean}} */
export declare function useUploadProgress(batchId: string | null, token?: string | null, options?: import("./line.js").SharedOptions): UploadStatus & {
    isConnected: boolean;
};
/** Several files are one upload: its progress is their mean, and it is over when all of them are.
 *  @param {FileStatus[]} files  @returns {UploadStatus} */
export declare function summed(files: FileStatus[]): UploadStatus;
