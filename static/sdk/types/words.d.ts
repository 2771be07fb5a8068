/** Words for connection states and problems. Sentences about a file are the server's.
 *
 *  connectionWords(state, queued?) -> {sign, detail, tone, banner}
 *  problemWords(code) -> {title, hint} for what only a browser can see (offline, timeout …)
 */
/** The sign in the header and, where one is needed, the banner. `tone` names shape and colour.
 *  @param {import("./types.js").ConnectionState} state  @param {number} [queued] to send
 *  @returns {{sign: string, detail: string, tone: string,
 *    banner: {text: string, action: "retry"|"signIn"|"takeOver"|null}|null}} */
export declare function connectionWords(state: import("./types.js").ConnectionState, queued?: number): {
    sign: string;
    detail: string;
    tone: string;
    banner: {
        text: string;
        action: "retry" | "signIn" | "takeOver" | null;
    } | null;
};
/** @param {string} code */
export declare function problemWords(code: string): {
    title: string;
    hint: string;
};
