/** One paint per frame, and long work in slices.
 *
 *  createPainter(paint, {requestFrame?}) -> {mark(key), flush()}
 *     paint(keys: Set) runs at most once a frame, with every key marked since the last paint
 *  createSlices({budgetMs = 8, now?, pause?}) -> {add(items), size, clear(), idle}
 *     hands each item, in order, to `work`, for at most budgetMs before it lets others run
 *
 *  @typedef {{budgetMs?: number, now?: () => number, pause?: (run: () => void) => void,
 *    onIdle?: () => void}} SliceOptions  onIdle runs after the last item of a slice
 *
 *  A hidden tab gets no frames, so it does not paint; what is dirty waits.
 */
export type SliceOptions = {
    budgetMs?: number;
    now?: () => number;
    pause?: (run: () => void) => void;
    onIdle?: () => void;
};
/** @template K
 *  @param {(keys: Set<K>) => void} paint
 *  @param {{requestFrame?: (run: () => void) => unknown}} [options] */
export declare function createPainter<K>(paint: (keys: Set<K>) => void, { requestFrame }?: {
    requestFrame?: (run: () => void) => unknown;
}): {
    /** @param {K} key */
    mark(key: K): void;
    flush: () => void;
};
/** @template T
 *  @param {(item: T) => void} work
 *  @param {SliceOptions} [options] */
export declare function createSlices<T>(work: (item: T) => void, options?: SliceOptions): {
    /** Take more items: done at once as far as the budget reaches, unless others wait already.
     *  @param {Iterable<T>} more */
    add(more: Iterable<T>): void;
    /** Forget what is not done. */
    clear(): void;
    readonly size: number;
};
