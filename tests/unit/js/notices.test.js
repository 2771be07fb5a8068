/** Notifications of the browser: of what, when, and how they are turned on. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { NOTICES, bindSwitch, createNotices, noticeOf } from "../../../static/js/ui/notices.js";

const ENDED = { type: "batch_completed", batch_id: "b", job_id: null, message: "3 files are done" };
const ASKED = { type: "clarification_requested", batch_id: "b", job_id: "j", message: "waits", question: "Which order?" };

function browser(permission = "granted", answer = permission) {
  const told = [];
  class Note {
    static permission = permission;
    static async requestPermission() {
      return (Note.permission = answer);
    }
    constructor(title, options) {
      told.push({ title, ...options, note: this });
    }
    close() {
      this.closed = true;
    }
  }
  return { Note, told };
}

test("the end of an upload and a question are told, and lead to the upload", () => {
  const { Note, told } = browser();
  const went = [];
  const notices = createNotices({ Note, isHidden: () => true, go: (path) => went.push(path) });
  notices.hear(ENDED);
  notices.hear(ASKED);
  assert.deepEqual(told.map(({ title, body }) => [title, body]), [
    ["An upload is done", "3 files are done"],
    ["A file has a question for you", "Which order?"],
  ]);
  assert.equal(told[0].tag, told[1].tag);
  told[1].note.onclick();
  assert.deepEqual(went, ["/batches/b"]);
  assert.ok(told[1].note.closed);
});

test("nothing is told to who is looking, or did not allow it, nor what is not worth it", () => {
  for (const [permission, hidden, event] of [
    ["granted", false, ENDED],
    ["default", true, ENDED],
    ["denied", true, ENDED],
    ["granted", true, { ...ENDED, type: "processing_progress" }],
  ]) {
    const { Note, told } = browser(permission);
    createNotices({ Note, isHidden: () => hidden }).hear(event);
    assert.deepEqual(told, []);
  }
});

test("a job without an upload leads to itself", () => {
  assert.equal(noticeOf({ ...ASKED, batch_id: null }).path, "/jobs/j");
});

function account() {
  const kept = new Map();
  const listeners = [];
  const input = { checked: false, disabled: false, addEventListener: (_, run) => listeners.push(run) };
  const text = { textContent: "usual" };
  const box = { hidden: true, querySelector: (what) => (what === "input" ? input : text) };
  const memory = { get: (key) => kept.get(key) ?? null, set: (key, value) => kept.set(key, value) };
  const press = async (on) => {
    input.checked = on;
    for (const run of listeners) await run();
  };
  return { box, input, text, memory, press };
}

test("turning it on asks the browser, and is remembered until it is turned off", async () => {
  const { box, input, memory, press } = account();
  bindSwitch(box, { memory, Note: browser("default", "granted").Note, isSafe: true });
  assert.equal(box.hidden, false);
  assert.equal(input.checked, false);
  await press(true);
  assert.equal(memory.get(NOTICES), "on");
  assert.equal(input.checked, true);
  await press(false);
  assert.equal(memory.get(NOTICES), "off");
  assert.equal(input.checked, false);
});

test("who says no to the browser is told how to say yes", async () => {
  const { box, input, text, memory, press } = account();
  bindSwitch(box, { memory, Note: browser("default", "denied").Note, isSafe: true });
  await press(true);
  assert.equal(memory.get(NOTICES), "off");
  assert.equal(input.disabled, true);
  assert.match(text.textContent, /told this browser not to/);
});

test("where the browser has none, it says where it would work", () => {
  for (const given of [{ Note: undefined, isSafe: true }, { Note: browser().Note, isSafe: false }]) {
    const { box, input, text, memory } = account();
    bindSwitch(box, { memory, ...given });
    assert.equal(input.disabled, true);
    assert.match(text.textContent, /https/);
  }
});
