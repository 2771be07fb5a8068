import assert from "node:assert/strict";
import { test } from "node:test";
import { bound, columns, frameText } from "../../../static/js/ui/connections.js";

const spread = (counts) => {
  let all = 0;
  const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, null];
  const buckets = bounds.map((upto, at) => [upto, (all += counts[at] ?? 0)]);
  return { count: all, buckets };
};

test("a histogram is told in percent of all, with its bounds in milliseconds", () => {
  const found = columns(spread([0, 3, 1]));
  assert.deepEqual(found.slice(0, 3), [
    { label: "0.5", share: 0 },
    { label: "1", share: 75 },
    { label: "2.5", share: 25 },
  ]);
});

test("columns end with the last that is filled, and are never too few to compare", () => {
  assert.equal(columns(spread([1])).length, 9);
  assert.equal(columns(spread([])).length, 9);
  const whole = columns(spread([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
  assert.deepEqual(whole.at(-1), { label: "more", share: 50 });
});

test("a bound is told in the unit that fits it", () => {
  assert.deepEqual([null, 0.0005, 0.25, 2.5].map(bound), ["–", "0.5 ms", "250 ms", "2.5 s"]);
});

test("a frame that is not text says what it is", () => {
  assert.equal(frameText({ kind: "text", text: "{}" }), "{}");
  assert.equal(frameText({ kind: "ping", text: "00 01" }), "ping 00 01");
});
