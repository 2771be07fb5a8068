import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, ProblemError } from "../../../static/sdk/api.js";
import { checkFiles, createUploader } from "../../../static/sdk/upload.js";
import { Clock, settle } from "./support.js";

const answer = (status, body, headers = {}) => new Response(body === null ? null : JSON.stringify(body), { status, headers });

/** An api over `answers`, one a call; an Error is thrown as the network would. */
function calling(...answers) {
  const calls = [];
  const clock = new Clock();
  const fetch = (address, request) => {
    calls.push({ address, ...request });
    const next = answers.shift();
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  let key = 0;
  const api = createApi({ fetch, timers: clock.timers, newKey: () => `key-${(key += 1)}` });
  return { api, calls, clock };
}

const REFUSED = {
  type: "urn:livetrail:problem:conflict",
  status: 409,
  code: "conflict",
  title: "The file is being read",
  detail: "Nothing was changed.",
  hint: "Cancel it first.",
  retryable: false,
};

test("a call says who it is for and parses what comes back", async () => {
  const { api, calls } = calling(answer(200, { total: 3 }));
  assert.deepEqual(await api.rows("a/b", { offset: 100, state: undefined }), { total: 3 });
  assert.equal(calls[0].address, "/api/v1/jobs/a%2Fb/rows?offset=100");
  assert.equal(calls[0].credentials, "same-origin");
});

test("a problem becomes an error with all its sentences", async () => {
  const { api } = calling(answer(409, REFUSED, { "Retry-After": "7" }));
  const problem = await api.undo("1").catch((error) => error);
  assert.ok(problem instanceof ProblemError);
  const { code, title, detail, hint, status, retryAfter, retryable } = problem;
  assert.deepEqual(
    [code, title, detail, hint, status, retryAfter, retryable],
    ["conflict", REFUSED.title, REFUSED.detail, REFUSED.hint, 409, 7, false],
  );
});

test("a call without an answer is sent once more under the same key", async () => {
  const { api, calls } = calling(new TypeError("network"), answer(202, { ok: true }));
  assert.deepEqual(await api.retry("1"), { ok: true });
  const keys = calls.map((call) => call.headers["Idempotency-Key"]);
  assert.deepEqual(keys, ["key-1", "key-1"]);
});

test("a server that is not there is said so, in words", async () => {
  const { api } = calling(new TypeError("network"), new TypeError("network"));
  const problem = await api.jobs().catch((error) => error);
  assert.equal(problem.code, "offline");
  assert.equal(problem.retryable, true);
  assert.ok(problem.hint);
});

test("a server that does not answer in time is given up", async () => {
  const clock = new Clock();
  const fetch = (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const api = createApi({ fetch, timers: clock.timers, timeoutMs: 5000 });
  const asked = api.get("/auth/me").catch((error) => error);
  await clock.pass(5000);
  assert.equal((await asked).code, "timeout");
});

test("an answer that is no JSON is a problem, not a crash", async () => {
  const { api } = calling(new Response("<html>", { status: 200 }));
  assert.equal((await api.get("/auth/me").catch((error) => error)).code, "bad_answer");
});

test("an empty answer is null", async () => {
  const { api } = calling(answer(204, null));
  assert.equal(await api.post("/auth/logout"), null);
});

class FakeRequest {
  static made = [];
  upload = {};
  headers = {};
  status = 0;
  responseText = "";
  constructor() {
    FakeRequest.made.push(this);
  }
  open(method, url) {
    Object.assign(this, { method, url });
  }
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }
  getResponseHeader() {
    return null;
  }
  send(form) {
    this.form = form;
  }
  abort() {
    this.onabort();
  }
  loaded(bytes, total) {
    this.upload.onprogress({ loaded: bytes, total });
  }
  answer(status, body) {
    this.upload.onload?.();
    this.status = status;
    this.responseText = JSON.stringify(body);
    this.onload();
  }
}

const file = (name, size) => new File([new Uint8Array(size)], name);

function uploading(files, { atOnce = 2 } = {}) {
  FakeRequest.made = [];
  const uploader = createUploader({ XMLHttpRequest: FakeRequest, atOnce, newKey: () => "key" });
  const told = [];
  const sending = uploader.send(files, { options: { name: "March" }, onProgress: (p) => told.push(p) });
  return { uploader, sending, told, request: FakeRequest.made[0] };
}

test("an upload is one request with its options and files in order", () => {
  const { request } = uploading([file("a.csv", 10), file("b.csv", 20)]);
  assert.equal(request.url, "/api/v1/batches");
  assert.equal(request.headers["Idempotency-Key"], "key");
  assert.deepEqual([...request.form.keys()], ["options", "files", "files"]);
  assert.deepEqual(request.form.getAll("files").map((one) => one.name), ["a.csv", "b.csv"]);
});

test("each file's share follows from the bytes sent, and ends exact", async () => {
  const { request, told, sending } = uploading([file("a.csv", 100), file("b.csv", 300)]);
  request.loaded(205, 410);
  const { sent, percent, files } = told.at(-1);
  assert.deepEqual([sent, percent], [200, 50]);
  assert.deepEqual(files.map((one) => Math.round(one.percent)), [100, 33]);
  const made = { batch_id: "1", jobs: [{ job_id: "2" }] };
  request.answer(202, made);
  assert.deepEqual(await sending.done, made);
  assert.deepEqual([...new Set(told.map((one) => one.state))], ["queued", "sending", "storing", "done"]);
  assert.equal(told.at(-1).sent, 400);
});

test("more than two uploads wait for their turn, and one that waits can be taken back", async () => {
  const { uploader } = uploading([file("a.csv", 1)], { atOnce: 1 });
  const second = uploader.send([file("b.csv", 1)]);
  const third = uploader.send([file("c.csv", 1)]);
  assert.deepEqual([second.state, third.state, uploader.active], ["queued", "queued", 1]);
  second.cancel();
  assert.equal((await second.done.catch((error) => error)).code, "cancelled");
  FakeRequest.made[0].answer(202, { batch_id: "1", jobs: [] });
  await settle();
  assert.equal(third.state, "sending");
  third.cancel();
  assert.equal((await third.done.catch((error) => error)).code, "cancelled");
  assert.equal(uploader.active, 0);
});

test("a refusal by the server and a broken line each have their own words", async () => {
  const first = uploading([file("a.csv", 10)]);
  first.request.answer(413, { ...REFUSED, code: "upload_too_large", title: "a.csv is too large" });
  const refused = await first.sending.done.catch((error) => error);
  assert.deepEqual([refused.code, refused.title], ["upload_too_large", "a.csv is too large"]);

  const second = uploading([file("a.csv", 10)]);
  second.request.loaded(5, 10);
  second.request.onerror();
  assert.equal((await second.sending.done.catch((error) => error)).code, "upload_cut");
});

test("what is sent again under its own key can be known as the same", () => {
  const { uploader } = uploading([file("a.csv", 10)], { atOnce: 3 });
  for (let round = 0; round < 2; round += 1) uploader.send([file("a.csv", 10)], { key: "mine" });
  const keys = FakeRequest.made.map(({ headers }) => headers["Idempotency-Key"]);
  assert.deepEqual(keys, ["key", "mine", "mine"]);
});

test("what can be known before sending is said for each file", () => {
  const files = [file("a.csv", 10), file("b.csv", 0), file("c.csv", 2000), file("d.csv", 1)];
  const { accepted, refused } = checkFiles(files, { maxBytes: 1000, maxFiles: 1 });
  assert.deepEqual(accepted.map((one) => one.name), ["a.csv"]);
  assert.deepEqual(
    refused.map((one) => [one.code, one.text]),
    [
      ["empty_file", "b.csv is empty"],
      ["upload_too_large", "c.csv has 2.0 KB; the limit is 1.0 KB"],
      ["too_many_files", "d.csv is left out: 1 file at once"],
    ],
  );
});
