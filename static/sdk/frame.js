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

/** @template K
 *  @param {(keys: Set<K>) => void} paint
 *  @param {{requestFrame?: (run: () => void) => unknown}} [options] */
export function createPainter(paint, { requestFrame } = {}) {
  const ask = requestFrame ?? ((run) => requestAnimationFrame(run));
  /** @type {Set<K>} */
  let dirty = new Set();
  let asked = false;

  function flush() {
    asked = false;
    if (dirty.size === 0) return;
    const keys = dirty;
    dirty = new Set();
    paint(keys);
  }

  return {
    /** @param {K} key */
    mark(key) {
      dirty.add(key);
      if (asked) return;
      asked = true;
      ask(flush);
    },
    flush,
  };
}

/** Let other work run, then go on: a message task, which (unlike a timer) is not throttled.
 *  @param {() => void} run */
function nextTask(run) {
  if (typeof MessageChannel === "undefined") {
    setTimeout(run, 0);
    return;
  }
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    channel.port1.close();
    run();
  };
  channel.port2.postMessage(null);
}

/** @template T
 *  @param {(item: T) => void} work
 *  @param {SliceOptions} [options] */
export function createSlices(work, options = {}) {
  const { budgetMs = 8, now = () => performance.now(), pause = nextTask, onIdle } = options;
  /** @type {T[]} */
  let items = [];
  let next = 0;
  let waiting = false;
  let running = false;

  function slice() {
    waiting = false;
    running = true;
    const end = now() + budgetMs;
    try {
      while (next < items.length) {
        work(items[next++]);
        if (now() >= end) break;
      }
    } finally {
      running = false;
      if (next >= items.length) {
        items = [];
        next = 0;
      } else {
        later();
      }
    }
    if (items.length === 0) onIdle?.();
  }

  function later() {
    if (waiting) return;
    waiting = true;
    pause(slice);
  }

  return {
    /** Take more items: done at once as far as the budget reaches, unless others wait already.
     *  @param {Iterable<T>} more */
    add(more) {
      for (const item of more) items.push(item);
      if (!waiting && !running && next < items.length) slice();
    },
    /** Forget what is not done. */
    clear() {
      items = [];
      next = 0;
    },
    get size() {
      return items.length - next;
    },
  };
}
