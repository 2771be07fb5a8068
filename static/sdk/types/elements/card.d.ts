/** One file as a card: its name, how far it is, what is said, and what to do when it failed. */
/** @type {Record<import("../jobs.js").Phase, string>} */
export declare const PHASE_WORDS: Record<import("../jobs.js").Phase, string>;
/** @param {string} fileId */
export declare function createCard(fileId: string): {
    card: HTMLElement;
    /** @param {import("../store.js").FileStatus} file */
    update(file: import("../store.js").FileStatus): void;
};
/** Cards in a container, one a file, in their order; a card stays the same element.
 *  @param {HTMLElement} container */
export declare function createCards(container: HTMLElement): (files: import("../store.js").FileStatus[]) => void;
/** Tells what a screen reader should hear: beginnings, ends and questions, never every percent.
 *  @param {HTMLElement} place  a live region */
export declare function createAnnouncer(place: HTMLElement): (files: import("../store.js").FileStatus[]) => void;
