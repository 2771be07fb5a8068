/** Everything of the kit that needs no framework; see docs/javascript.md. */

export { createApi, ownProblem, ProblemError } from "./api.js";
export { attachToPage, createClient } from "./client.js";
export { fold, wholeState } from "./fold.js";
export { createPainter } from "./frame.js";
export { createFileStatusStore } from "./store.js";
export { checkFiles, createUploader, uploadWords } from "./upload.js";
export { connectionWords } from "./words.js";
