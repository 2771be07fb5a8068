/** Everything of the kit that needs no framework; see docs/javascript.md.
 *
 *  @typedef {import("./types.js").ClientOptions} ClientOptions
 *  @typedef {import("./types.js").ConnectionState} ConnectionState
 *  @typedef {import("./types.js").Client} Client
 *  @typedef {import("./fold.js").JobState} JobState
 *  @typedef {import("./fold.js").WireEvent} WireEvent
 *  @typedef {import("./jobs.js").FileStatus} FileStatus
 *  @typedef {import("./store.js").FileStatusStore} FileStatusStore
 *  @typedef {import("./jobs.js").ProcessingStep} ProcessingStep
 *  @typedef {import("./resumable.js").Upload} Upload
 */
export type ClientOptions = import("./types.js").ClientOptions;
export type ConnectionState = import("./types.js").ConnectionState;
export type Client = import("./types.js").Client;
export type JobState = import("./fold.js").JobState;
export type WireEvent = import("./fold.js").WireEvent;
export type FileStatus = import("./jobs.js").FileStatus;
export type FileStatusStore = import("./store.js").FileStatusStore;
export type ProcessingStep = import("./jobs.js").ProcessingStep;
export type Upload = import("./resumable.js").Upload;
export { createApi, ownProblem, ProblemError } from "./api.js";
export { attachToPage, createClient } from "./client.js";
export { fold, wholeState } from "./fold.js";
export { formatBytes, formatCount, formatDuration, timeLeft } from "./format.js";
export { createPainter } from "./frame.js";
export { createUpload } from "./resumable.js";
export { createFileStatusStore } from "./store.js";
export { checkFiles, createUploader, uploadWords } from "./upload.js";
export { connectionWords } from "./words.js";
