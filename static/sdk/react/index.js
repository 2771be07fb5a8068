/** React hooks over the kit: thin, React is a peer. See docs/javascript.md.
 *
 *  useFileStatusSocket(userId, sessionToken, options?) -> {isConnected, state, emit}
 *  useFileStatusStore(selector?)                       what of the files' store, see store.js
 *  useUploadProgress(batchId, token, options?)         -> {isConnected, progress, status, ...}
 *  useAsyncProcessing(options?)                        -> {isConnected, files, filesMap, ...}
 *  useSessionWebSocket(sessionId, options?)            -> {socket, progress, modelResults, ...}
 *  useWebSocket({url, ...})                            -> {isConnected, lastMessage, ...}
 *
 *  options  {server, token, getToken, transports, ...} as createClient's: with none, the page's own
 *           server and its cookie. Hand in the same `getToken` each time, or each time is another.
 */

export { fileStatusStore, useFileStatusSocket, useFileStatusStore } from "./statuses.js";
export { useAsyncProcessing } from "./processing.js";
export { useSessionWebSocket } from "./session.js";
export { useUploadProgress } from "./progress.js";
export { useWebSocket } from "./socket.js";
