/** <lt-file-status job="…"> or <lt-file-status batch="…">: every file of it, as a card. */
import { LivetrailElement } from "./base.js";
export declare class FileStatusElement extends LivetrailElement {
    sign: HTMLElement;
    show: (files: import("../store.js").FileStatus[]) => void;
    announce: (files: import("../store.js").FileStatus[]) => void;
    constructor();
    render(): void;
}
/** @param {import("../types.js").ConnectionState|undefined} state  @param {number} files */
export declare function signOf(state: import("../types.js").ConnectionState | undefined, files: number): "" | "Connecting again…" | "Not allowed, or not there" | "Nothing to show yet";
