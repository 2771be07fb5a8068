/** Give files and see each of them through: system B's hook. */
import { createUploader } from "../upload.js";
export type ProcessingUpdate = {
    type: "progress" | "stage_start" | "stage_complete" | "error" | "complete";
    task_id: string;
    progress: number;
    stage: string | null;
    message: string;
    timestamp: number;
};
export type FileProcessingState = {
    task_id: string;
    filename: string;
    status: "pending" | "processing" | "completed" | "error";
    progress: number;
    stage: string | null;
    updates: ProcessingUpdate[];
    result: Record<string, any> | null;
    error: string | null;
};
export type ProcessingOptions = {
    auto_save?: boolean;
    confidence_threshold?: number;
    model_provider?: string;
    [option: string]: any;
};
/** @param {import("./line.js").SharedOptions & {uploader?: ReturnType<typeof createUploader>,
 *    headers?: Record<string, string>}} [options]
 *    headers: what authorises uploads, where no cookie does */
export declare function useAsyncProcessing(options?: import("./line.js").SharedOptions & {
    uploader?: ReturnType<typeof createUploader>;
    headers?: Record<string, string>;
}): {
    isConnected: boolean;
    files: FileProcessingState[];
    filesMap: Map<string, FileProcessingState>;
    startBatchProcessing: (files: File[], { model_provider: model, ...wishes }?: ProcessingOptions) => Promise<string[]>;
    startSingleProcessing: (file: File, wishes?: ProcessingOptions) => Promise<string>;
    resetProcessing: () => void;
};
