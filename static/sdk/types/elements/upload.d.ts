/** <lt-upload>: choose or drop files; each goes on where it broke off, and its way is shown.
 *
 *  Attributes beside those of all: `label`, `multiple` (on unless "false"), `accept`.
 *  Properties: `options` (the batch's), `headers` (what authorises uploads, where no cookie does).
 *  Events, which bubble: `lt-uploaded` {job_id, batch_id, filename}, `lt-completed` and `lt-failed`
 *  {job_id, result | error}, `lt-refused` {filename, code, title, hint}.
 */
import { LivetrailElement } from "./base.js";
export declare class UploadElement extends LivetrailElement {
    /** @type {Record<string, any>} */
    options: Record<string, any>;
    /** @type {Record<string, string>} */
    headers: Record<string, string>;
    uploads: {
        send(file: File, options: Parameters<typeof import("../resumable.js").createUpload>[1]): {
            done: Promise<import("../resumable.js").Taken>;
            pause: () => void;
            resume: () => void;
            abort: () => Promise<void>;
        };
        readonly active: number;
    };
    /** Names of the files that were given here. @type {Map<string, string>} */
    mine: Map<string, string>;
    /** @type {Map<string, string>} */
    told: Map<string, string>;
    input: HTMLInputElement;
    button: HTMLElement;
    drop: HTMLElement;
    live: HTMLElement;
    refused: HTMLElement;
    show: (files: import("../store.js").FileStatus[]) => void;
    announce: (files: import("../store.js").FileStatus[]) => void;
    constructor();
    connectedCallback(): void;
    /** Give files, as one batch. @param {File[]} files */
    send(files: File[]): void;
    /** @param {File} file  @param {string|undefined} batchId */
    sendOne(file: File, batchId: string | undefined): Promise<void>;
    get files(): {
        fileId: string;
        steps: import("../jobs.js").ProcessingStep[];
        currentStep?: string;
        overallProgress: number;
        startedAt: number;
        completedAt?: number;
        error?: string;
        phase: import("../jobs.js").Phase;
        stages: import("../fold.js").StageState[];
        attempt: number;
        seq: number;
        n: number;
        batchId: string | null;
        message: string;
        job: import("../fold.js").JobState | null;
        filename: string;
    }[];
    render(): void;
    /** @param {string} name  @param {Record<string, any>} detail */
    say(name: string, detail: Record<string, any>): void;
}
