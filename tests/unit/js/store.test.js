import assert from "node:assert/strict";
import { test } from "node:test";
import { createJobStore } from "../../../static/sdk/jobs.js";
import { createFileStatusStore, STEPS_KEPT } from "../../../static/sdk/store.js";
import { Clock, BEGAN, event, story } from "./support.js";

function filled(n, options) {
  const store = createFileStatusStore(options);
  for (const one of story(n)) store.applyEvent(one);
  return store;
}

test("an event makes a file with its steps, phase, stages and place", () => {
  const status = filled(3).getStatus("job-1");
  assert.equal(status.filename, "expenses.csv");
  assert.equal(status.phase, "running");
  assert.equal(status.overallProgress, 3);
  assert.equal(status.currentStep, "extracting");
  assert.equal(status.seq, 30);
  assert.equal(status.n, 3);
  assert.deepEqual(status.stages.map((stage) => stage.state), ["skipped", "running"]);
  assert.equal(status.steps.at(-1).message, "message 3");
  assert.equal(status.steps.at(-1).status, "in_progress");
});

test("a repeated or older event changes nothing and tells nobody", () => {
  const store = filled(5);
  const before = store.getStatus("job-1");
  store.subscribe("*", () => assert.fail("told"));
  assert.equal(store.applyEvent(event(5)), false);
  assert.equal(store.applyEvent(event(2)), false);
  assert.equal(store.getStatus("job-1"), before);
});

test("a hole in n is told once, and what came after it waits", () => {
  const gaps = [];
  const store = filled(2, { onGap: (...gap) => gaps.push(gap) });
  store.applyEvent(event(4));
  store.applyEvent(event(5));
  assert.deepEqual(gaps, [["job-1", 2, 4]]);
  assert.equal(store.getStatus("job-1").n, 2);
});

test("the missing event fills the hole, and those that waited follow", () => {
  const store = filled(2);
  const seen = [];
  store.follow((one) => seen.push(one.n));
  for (const n of [5, 4, 3]) store.applyEvent(event(n));
  assert.deepEqual(seen, [3, 4, 5]);
  assert.equal(store.getStatus("job-1").n, 5);
});

test("a snapshot fills the hole, and what it already knows is not applied again", () => {
  const store = filled(2);
  const seen = [];
  store.follow((one) => seen.push(one.n));
  for (const n of [5, 6, 8]) store.applyEvent(event(n));
  store.applySnapshot(filled(7).getStatus("job-1").job);
  assert.deepEqual(seen, [8]);
  assert.equal(store.getStatus("job-1").n, 8);
});

test("an event of a job never seen is a hole from the start", () => {
  const gaps = [];
  const store = createFileStatusStore({ onGap: (...gap) => gaps.push(gap) });
  assert.equal(store.applyEvent(event(17)), false);
  assert.deepEqual(gaps, [["job-1", 0, 17]]);
  assert.equal(store.size, 0);
});

test("an older snapshot does not take back what is known", () => {
  const store = filled(6);
  const older = filled(4).getStatus("job-1").job;
  assert.equal(store.applySnapshot(older), false);
  assert.equal(store.getStatus("job-1").n, 6);
});

test("a snapshot without its empty fields is whole again", () => {
  const { batch_id, error, result, ...short } = filled(2).getStatus("job-1").job;
  const store = createFileStatusStore();
  store.applySnapshot(short);
  assert.equal(store.getStatus("job-1").job.error, null);
  assert.equal(store.getStatus("job-1").error, undefined);
});

test("progress never goes back within an attempt, and may with a retry", () => {
  const store = filled(50);
  store.applyEvent(event(51, "processing_progress", { progress: 20 }));
  assert.equal(store.getStatus("job-1").overallProgress, 50);
  store.applyEvent(
    event(52, "job_retried", { attempt: 2, from_step: null, progress: 10, status: "pending" }),
  );
  assert.equal(store.getStatus("job-1").overallProgress, 10);
  assert.equal(store.getStatus("job-1").attempt, 2);
  assert.equal(store.getStatus("job-1").phase, "waiting");
});

test("a failure keeps its sentence as text and the whole of it in the job", () => {
  const store = filled(3);
  const error = { code: "empty_file", title: "It is empty", detail: "d", hint: "h" };
  store.applyEvent(event(4, "processing_failed", { error, status: "error" }));
  const status = store.getStatus("job-1");
  assert.equal(status.phase, "failed");
  assert.equal(status.error, "It is empty");
  assert.equal(status.job.error.hint, "h");
  assert.equal(status.steps.at(-1).status, "error");
});

test("two hundred steps are kept for a file", () => {
  const store = createFileStatusStore();
  for (const one of story(500)) {
    store.applyEvent({ ...one, type: one.n === 1 ? one.type : "step_completed", summary: "" });
  }
  const { steps } = store.getStatus("job-1");
  assert.equal(steps.length, STEPS_KEPT);
  assert.equal(steps.at(-1).message, "message 500");
});

test("a listener of one file hears of that file alone", () => {
  const store = createFileStatusStore();
  const heard = [];
  store.subscribe("job-2", (status, id) => heard.push([id, status.n]));
  store.applyEvent(event(1, "job_created"));
  store.applyEvent(event(1, "job_created", { job_id: "job-2" }));
  assert.deepEqual(heard, [["job-2", 1]]);
});

test("a selector is heard only when its value is another, and not after leaving", () => {
  const store = createFileStatusStore();
  const heard = [];
  const leave = store.subscribe((one) => one.getActiveFiles().length, (...values) => heard.push(values));
  for (const one of story(3)) store.applyEvent(one);
  leave();
  store.clearAll();
  assert.deepEqual(heard, [[1, 0]]);
});

test("a batch of changes tells each file once", () => {
  const store = createFileStatusStore();
  let told = 0;
  store.subscribe("job-1", () => (told += 1));
  store.batch(() => story(100).forEach(store.applyEvent));
  assert.equal(told, 1);
});

test("the batch's own events are kept by their seq", () => {
  const store = createFileStatusStore();
  const whole = { job_id: null, n: null };
  store.applyEvent(event(1, "batch_created", { ...whole, seq: 5, name: "March close", jobs: 2 }));
  store.applyEvent(event(2, "batch_completed", { ...whole, seq: 9, jobs: 2, counts: { completed: 2 } }));
  assert.equal(store.applyEvent(event(1, "batch_created", { ...whole, seq: 5, name: "x", jobs: 9 })), false);
  assert.deepEqual(store.getBatch("batch-1"), {
    batchId: "batch-1",
    name: "March close",
    jobs: 2,
    counts: { completed: 2 },
    seq: 9,
  });
});

test("the actions draw a file before it is a job", () => {
  const store = createFileStatusStore({ now: () => BEGAN });
  store.addStep("local-1", { step: "upload", message: "Sending...", progress: 10 });
  store.updateProgress("local-1", 40);
  store.updateProgress("local-1", 30);
  let status = store.getStatus("local-1");
  assert.equal(status.overallProgress, 40);
  assert.equal(status.phase, "running");
  assert.deepEqual(store.getActiveFiles(), [status]);
  store.addStep("local-1", { step: "checking", message: "Checking..." });
  assert.deepEqual(
    store.getStatus("local-1").steps.map((step) => [step.step, step.status]),
    [["upload", "complete"], ["checking", "in_progress"]],
  );
  store.markComplete("local-1");
  status = store.getStatus("local-1");
  assert.equal(status.overallProgress, 100);
  assert.equal(status.completedAt, BEGAN);
  assert.deepEqual(store.getCompletedFiles(), [status]);
  store.setError("local-2", "It broke off");
  assert.equal(store.getStatus("local-2").phase, "failed");
  store.clearStatus("local-1");
  assert.equal(store.getStatus("local-1"), undefined);
  store.clearAll();
  assert.deepEqual(store.getAllStatuses(), []);
});

test("a listener to everything is told once for a change, and answers stay the same till then", () => {
  const store = createFileStatusStore();
  let told = 0;
  const unsubscribe = store.subscribe(() => (told += 1));
  store.batch(() => story(3).forEach(store.applyEvent));
  assert.equal(told, 1);
  const files = store.getAllStatuses();
  assert.equal(store.getAllStatuses(), files);
  assert.deepEqual([store.getActiveFiles().length, store.getCompletedFiles().length], [1, 0]);
  store.addStep("other", { step: "sending" });
  assert.notEqual(store.getAllStatuses(), files);
  assert.equal(store.getAllStatuses().length, 2);
  unsubscribe();
  store.clearAll();
  assert.deepEqual([told, store.getAllStatuses()], [2, []]);
});

test("who is told of an event finds it in every answer", () => {
  const store = createFileStatusStore();
  assert.deepEqual(store.getAllStatuses(), []);
  const seen = [];
  store.follow((_, status) => seen.push(store.getAllStatuses()[0] === status));
  story(3).forEach(store.applyEvent);
  assert.deepEqual(seen, [true, true, true]);
});

test("what ended is forgotten after a while, unless it was begun again", async () => {
  const clock = new Clock();
  const store = createFileStatusStore({
    now: () => clock.now,
    timers: clock.timers,
    forgetAfterMs: 60_000,
  });
  store.addStep("a", { step: "sending" });
  store.addStep("b", { step: "sending" });
  store.addStep("c", { step: "sending" });
  store.markComplete("a");
  await clock.pass(30_000);
  store.setError("b", "No table");
  await clock.pass(29_999);
  assert.equal(store.size, 3);
  await clock.pass(1);
  assert.deepEqual(store.getAllStatuses().map(({ fileId }) => fileId), ["b", "c"]);
  store.addStep("b", { step: "sending again" });
  store.markComplete("b");
  await clock.pass(30_000);
  assert.equal(store.getStatus("b").phase, "done");
  await clock.pass(30_000);
  assert.deepEqual(store.getAllStatuses().map(({ fileId }) => fileId), ["c"]);
});

test("the client feeds the store by the store's own handlers", () => {
  const store = createFileStatusStore();
  const { onEvent, onSnapshot, onReset } = store.handlers;
  story(2).forEach(onEvent);
  assert.equal(store.getStatus("job-1").n, 2);
  onSnapshot({ ...store.getStatus("job-1").job, n: 7, last_seq: 70 });
  assert.equal(store.getStatus("job-1").n, 7);
  onReset();
  assert.equal(store.size, 0);
});

test("a listener that fails keeps nobody from hearing what comes after", () => {
  const store = filled(1);
  const told = [];
  store.subscribe("job-1", (status) => told.push(status.n));
  const unfollow = store.follow(() => {
    throw new Error("a fault of the page's own");
  });
  store.applyEvent(event(3));
  assert.throws(() => store.applyEvent(event(2)), /of the page's own/);
  unfollow();
  store.applySnapshot({ ...store.getStatus("job-1").job, n: 4, last_seq: 40 });
  assert.deepEqual(told, [2, 4]);
});

test("a store of jobs alone keeps no history of steps", () => {
  const store = createJobStore();
  for (const one of story(5)) store.applyEvent(one);
  const { steps, n, message } = store.getStatus("job-1");
  assert.deepEqual([steps, n, message], [[], 5, "message 5"]);
});
