import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../../../static/sdk/format.js";
import * as words from "../../../static/sdk/words.js";
import { createFileStatusStore } from "../../../static/sdk/store.js";
import { BEGAN, event, story } from "./support.js";

const running = (left) => {
  const store = createFileStatusStore();
  story(50).forEach(store.applyEvent);
  store.applyEvent(event(51, "processing_progress", { estimated_time_remaining: left }));
  return store.getStatus("job-1");
};
const told = BEGAN + 51_000;

test("counts are grouped and one is singular", () => {
  assert.equal(format.plural(1, "new row"), "1 new row");
  assert.equal(format.plural(12960, "row"), "12,960 rows");
  assert.equal(format.plural(2, "entity", "entities"), "2 entities");
});

test("the time left goes from steps of five seconds to minutes", () => {
  const say = [null, 0, 5, 7, 12, 58, 60, 170, 3600, 7300].map(format.formatLeft);
  assert.deepEqual(say, [
    "",
    "a few seconds left",
    "a few seconds left",
    "5 s left",
    "10 s left",
    "55 s left",
    "about 1 min left",
    "about 3 min left",
    "about 1 hour left",
    "about 2 hours left",
  ]);
});

test("the time left counts down between events and gives way after thirty seconds", () => {
  const status = running(40);
  assert.equal(format.timeLeft(status, told), "40 s left");
  assert.equal(format.timeLeft(status, told + 20_000), "20 s left");
  assert.equal(format.timeLeft(status, told + 30_000), "Still reading");
  assert.equal(format.timeLeft({ ...status, phase: "paused" }, told), "");
  const outside = { ...status, job: { ...status.job, reported: true } };
  assert.equal(format.timeLeft(outside, told + 20_000), "20 s left");
  assert.equal(format.timeLeft(outside, told + 125_000), "Nothing heard for 2 min 5 s");
});

test("every connection state has a sign, and only the troubled ones a banner", () => {
  const banners = [
    { name: "connecting" },
    { name: "live", transport: "websocket", latencyMs: 11 },
    { name: "live", transport: "polling", latencyMs: null, everyMs: 2000 },
    { name: "reconnecting", tries: 3, inMs: 3600, since: null },
    { name: "catchingUp", done: 128, total: 342 },
    { name: "catchingUp", done: 1, total: 50 },
    { name: "offline", since: null },
    { name: "signedOut" },
    { name: "tooMany", inMs: 10_000 },
  ].map((state) => {
    const { sign, detail, banner } = words.connectionWords(state, state.name === "offline" ? 2 : 0);
    return [`${sign} ${detail}`.trim(), banner?.action ?? (banner ? "text" : null)];
  });
  assert.deepEqual(banners, [
    ["Connecting", null],
    ["Live 11 ms", null],
    ["Live by polling every 2 s", null],
    ["Reconnecting try 3, in 4 s", "retry"],
    ["Catching up 128 of 342", "text"],
    ["Catching up 1 of 50", null],
    ["Offline 2 to send", "retry"],
    ["Signed out", "signIn"],
    ["Not live", "takeOver"],
  ]);
});
