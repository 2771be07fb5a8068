import assert from "node:assert/strict";
import { test } from "node:test";
import { createPainter, createSlices } from "../../../static/sdk/frame.js";
import { createFileStatusStore } from "../../../static/sdk/store.js";
import { event, story } from "./support.js";

test("however often a file changes, a frame paints it once", () => {
  const frames = [];
  const painted = [];
  const painter = createPainter((keys) => painted.push([...keys]), {
    requestFrame: (run) => frames.push(run),
  });
  for (let change = 0; change < 50; change += 1) painter.mark(`job-${change % 2}`);
  assert.equal(frames.length, 1);
  frames.shift()();
  painter.mark("job-1");
  frames.shift()();
  assert.deepEqual(painted, [["job-0", "job-1"], ["job-1"]]);
});

test("long work is cut into slices of eight milliseconds, in order", () => {
  let time = 0;
  const pauses = [];
  const done = [];
  let idle = 0;
  const slices = createSlices(
    (item) => {
      done.push(item);
      time += 3;
    },
    { now: () => time, pause: (run) => pauses.push(run), onIdle: () => (idle += 1) },
  );
  slices.add([1, 2, 3, 4]);
  assert.deepEqual(done, [1, 2, 3]);
  slices.add([5]);
  assert.equal(slices.size, 2);
  assert.equal(pauses.length, 1);
  pauses.shift()();
  assert.deepEqual(done, [1, 2, 3, 4, 5]);
  assert.equal(idle, 1);
});

test("an item that fails does not keep back the others", () => {
  const pauses = [];
  const done = [];
  const slices = createSlices(
    (item) => {
      if (item === 1) throw new Error("broken");
      done.push(item);
    },
    { now: () => 0, pause: (run) => pauses.push(run) },
  );
  assert.throws(() => slices.add([1, 2]), /broken/);
  pauses.shift()();
  assert.deepEqual(done, [2]);
});

test("ten thousand events are folded without one being lost", () => {
  const store = createFileStatusStore();
  store.batch(() => {
    for (const one of story(10_000)) store.applyEvent(one);
  });
  assert.equal(store.getStatus("job-1").n, 10_000);
  assert.equal(store.applyEvent(event(10_001)), true);
});
