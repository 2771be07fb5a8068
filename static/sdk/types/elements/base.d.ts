/** What the elements share: the connection of their page, and how they are painted.
 *
 *  Attributes of all: `server` ("https://files.example.org"; none: the page's own), `token` (a
 *  listen-only token), `job` or `batch` (an id). Property: `getToken`, see client.js.
 *  Looks: the custom properties --lt-accent, --lt-good, --lt-bad, --lt-warn, --lt-line, --lt-surface,
 *  --lt-ink, --lt-ink-2, --lt-radius; `::part()` names each part.
 */
export type FileStatus = import("../store.js").FileStatus;
/** @typedef {import("../store.js").FileStatus} FileStatus */
export declare class LivetrailElement extends HTMLElement {
    /** @type {import("../types.js").ClientOptions["getToken"]} */
    tokens: import("../types.js").ClientOptions["getToken"];
    /** @type {import("../shared.js").Member|null} */
    member: import("../shared.js").Member | null;
    /** @type {(() => void)[]} */
    endings: (() => void)[];
    root: ShadowRoot;
    painter: {
        mark(key: any): void;
        flush: () => void;
    };
    static observedAttributes: string[];
    constructor();
    connectedCallback(): void;
    get getToken(): import("../transports.js").GetToken | null | undefined;
    set getToken(getToken: import("../transports.js").GetToken | null | undefined);
    disconnectedCallback(): void;
    attributeChangedCallback(): void;
    begin(): void;
    end(): void;
    paint(): void;
    /** The room that the attributes name; null for none. @returns {string|null} */
    get room(): string | null;
    /** What is shown: the files of the job or batch. @returns {FileStatus[]} */
    get files(): FileStatus[];
    /** @returns {FileStatus|undefined} */
    get file(): FileStatus | undefined;
    get connected(): boolean;
    render(): void;
}
/** A property that was set before the element was known, which hides the class's own.
 *  @param {any} element  @param {string} name  @returns {any} */
export declare function given(element: any, name: string): any;
/** An element with attributes and children; a text is only ever a text.
 *  @param {string} tag  @param {Record<string, string|number|null|undefined>} [attributes]
 *  @param {(Node|string|null|undefined)[]} children */
export declare function h(tag: string, attributes?: Record<string, string | number | null | undefined>, ...children: (Node | string | null | undefined)[]): HTMLElement;
/** The bar of one file, and what brings it up to date. Its width is set by script: a style attribute
 *  may not be allowed. */
export declare function createBar(): {
    bar: HTMLElement;
    /** @param {FileStatus} file  @param {string|undefined} of  what it is the progress of */
    update(file: FileStatus, of: string | undefined): void;
};
