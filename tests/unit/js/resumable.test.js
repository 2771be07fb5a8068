import assert from "node:assert/strict";
import { test } from "node:test";
import { createUpload } from "../../../static/sdk/resumable.js";
import { createUploads, newBatchId } from "../../../static/sdk/uploads.js";
import { Clock, settle } from "./support.js";

const SIZES = { first: 4, least: 2, most: 8 };
const TEXT = "date,amount\n2026-01-02,3.00\n";
const TAKEN = { job_id: "job-1", batch_id: "batch-1" };

/** What localStorage does. */
class Memory {
  #kept = new Map();
  get length() {
    return this.#kept.size;
  }
  key = (place) => [...this.#kept.keys()][place] ?? null;
  getItem = (name) => this.#kept.get(name) ?? null;
  setItem = (name, value) => void this.#kept.set(name, value);
  removeItem = (name) => void this.#kept.delete(name);
}

/** A server of resumable uploads, which `trouble` may befall: a function of each request. */
function server(offered = true) {
  const uploads = new Map();
  const calls = [];
  const house = { uploads, calls, trouble: () => null, dropped: [] };
  const answer = (status, headers = {}, body = "") => ({
    ok: status < 300,
    status,
    headers: new Headers(offered ? { "Tus-Resumable": "1.0.0", ...headers } : headers),
    text: async () => body,
  });
  const told = (one) => ({
    "Upload-Offset": String(one.text.length),
    ...(one.text.length === one.size && { "Livetrail-Job": "job-1", "Livetrail-Batch": "batch-1" }),
  });
  house.fetch = async (address, { method, headers, body, signal }) => {
    calls.push(`${method} ${new URL(address, "http://test").pathname.split("/").pop()}`);
    const befallen = await house.trouble({ method, headers, signal, calls });
    if (befallen === "cut") throw new TypeError("network");
    if (befallen) return answer(befallen.status, befallen.headers, befallen.body);
    if (!offered) return answer(404);
    if (method === "POST") {
      const id = `u${uploads.size + 1}`;
      uploads.set(id, { size: Number(headers["Upload-Length"]), text: "", metadata: headers["Upload-Metadata"] });
      return answer(201, { Location: `/api/v1/uploads/${id}` });
    }
    const id = address.split("/").pop();
    const one = uploads.get(id);
    if (!one) return answer(404);
    if (method === "DELETE") {
      house.dropped.push(id);
      return answer(204);
    }
    if (method === "PATCH") {
      if (Number(headers["Upload-Offset"]) !== one.text.length) return answer(409);
      one.text += await body.text();
      if (befallen === undefined) throw new TypeError("the answer was lost");
    }
    return answer(method === "HEAD" ? 200 : 204, told(one));
  };
  return house;
}

function begin(house, options = {}) {
  const clock = new Clock();
  const states = [];
  const percents = [];
  const file = new File([TEXT], "expenses.csv", { type: "text/csv", lastModified: 7 });
  const upload = createUpload(file, {
    fetch: house.fetch,
    timers: clock.timers,
    now: () => clock.now,
    random: () => 0.5,
    sizes: SIZES,
    storage: null,
    onProgress: ({ state, percent }) => {
      percents.push(percent);
      if (state !== states.at(-1)) states.push(state);
    },
    ...options,
  });
  return { upload, clock, states, percents, house };
}

/** Let what is under way come to rest, however many turns of the loop that takes. */
async function quiet({ house, states }) {
  for (let still = 0, before = -1; still < 5; ) {
    await new Promise((resolve) => setImmediate(resolve));
    await settle();
    const now = house.calls.length + states.length;
    still = now === before ? still + 1 : 0;
    before = now;
  }
}

test("a file is sent in pieces that grow, and becomes a job", async () => {
  const sending = begin(server(), { batchId: "batch-1", options: { name: "Größe" } });
  assert.deepEqual(await sending.upload.done, TAKEN);
  const { uploads, calls } = sending.house;
  assert.equal(uploads.get("u1").text, TEXT);
  assert.deepEqual(calls, ["POST ", "HEAD u1", "PATCH u1", "PATCH u1", "PATCH u1", "PATCH u1"]);
  assert.deepEqual(sending.states, ["sending", "done"]);
  assert.deepEqual(sending.percents, [...sending.percents].sort((a, b) => a - b));
  const told = Object.fromEntries(uploads.get("u1").metadata.split(",").map((one) => one.split(" ")));
  const read = (name) => Buffer.from(told[name], "base64").toString();
  assert.deepEqual([read("filename"), read("batch_id")], ["expenses.csv", "batch-1"]);
  assert.equal(read("options"), '{"name":"Größe"}');
});

test("after a break it asks how far it came and goes on, once there is a connection", async () => {
  const house = server();
  house.trouble = ({ calls }) => (calls.length >= 4 && calls.length < 7 ? "cut" : null);
  const sending = begin(house);
  for (let round = 0; round < 3; round += 1) {
    await quiet(sending);
    assert.equal(sending.upload.state, "waiting");
    await sending.clock.pass(sending.clock.nextInMs);
  }
  assert.deepEqual(await sending.upload.done, TAKEN);
  assert.equal(house.uploads.get("u1").text, TEXT);
  assert.deepEqual(sending.states, ["sending", "waiting", "sending", "done"]);
});

test("a piece whose answer was lost is not sent twice", async () => {
  const house = server();
  house.trouble = ({ calls }) => (calls.length === 3 ? undefined : null);
  const sending = begin(house);
  await quiet(sending);
  await sending.clock.pass(sending.clock.nextInMs);
  assert.deepEqual(await sending.upload.done, TAKEN);
  assert.equal(house.uploads.get("u1").text, TEXT);
});

test("what a server lost that died is sent again", async () => {
  const house = server();
  house.trouble = ({ calls }) => (calls.length === 5 ? "cut" : null);
  const sending = begin(house);
  await quiet(sending);
  const one = house.uploads.get("u1");
  assert.ok(one.text.length > 4);
  one.text = one.text.slice(0, 3);
  await sending.clock.pass(sending.clock.nextInMs);
  assert.deepEqual(await sending.upload.done, TAKEN);
  assert.equal(one.text, TEXT);
});

test("after a reload the same file goes on, and another begins anew", async () => {
  const house = server();
  const storage = new Memory();
  house.trouble = ({ calls }) => (calls.length > 3 ? "cut" : null);
  const first = begin(house, { storage });
  await quiet(first);
  assert.equal(house.uploads.get("u1").text.length, 4);
  house.trouble = () => null;
  const second = begin(house, { storage });
  assert.deepEqual(await second.upload.done, TAKEN);
  assert.equal(house.uploads.size, 1);
  assert.equal(second.percents.find((percent) => percent > 0), (4 / TEXT.length) * 100);
  assert.equal(storage.length, 0);
  const other = begin(house, { storage, batchId: "batch-2" });
  await other.upload.done;
  assert.equal(house.uploads.size, 2);
});

test("what was begun for another batch goes on only where that is said to be all right", async () => {
  const house = server();
  const storage = new Memory();
  house.trouble = ({ calls }) => (calls.length > 3 ? "cut" : null);
  await quiet(begin(house, { storage, batchId: "batch-1" }));
  house.trouble = () => null;
  await begin(house, { storage, batchId: "batch-2" }).upload.done;
  assert.equal(house.uploads.size, 2);
  assert.deepEqual(await begin(house, { storage, batchId: "batch-3", anyBatch: true }).upload.done, TAKEN);
  assert.deepEqual([house.uploads.size, house.uploads.get("u1").text, storage.length], [2, TEXT, 0]);
});

test("an upload that the server has forgotten is begun anew; what is old is not remembered", async () => {
  const house = server();
  const storage = new Memory();
  house.trouble = ({ calls }) => (calls.length > 3 ? "cut" : null);
  const first = begin(house, { storage });
  await quiet(first);
  house.uploads.get("u1").text = "";
  house.uploads.delete("u1");
  house.uploads.set("x", {});
  house.trouble = () => null;
  assert.deepEqual(await begin(house, { storage }).upload.done, TAKEN);
  assert.equal(house.uploads.get("u2").text, TEXT);
  storage.setItem("livetrail.upload other", JSON.stringify({ url: "/old", at: 0 }));
  storage.setItem("theirs", "stays");
  await begin(house, { storage }).upload.done;
  assert.deepEqual([storage.length, storage.getItem("theirs")], [1, "stays"]);
});

test("storage that is full or forbidden costs only going on after a reload", async () => {
  const storage = new Memory();
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  assert.deepEqual(await begin(server(), { storage }).upload.done, TAKEN);
});

test("a pause ends the piece under way, and resume goes on from what arrived", async () => {
  const house = server();
  house.trouble = ({ method, signal, calls }) =>
    method === "PATCH" && calls.length === 4
      ? new Promise((resolve) => signal.addEventListener("abort", () => resolve("cut")))
      : null;
  const sending = begin(house);
  await quiet(sending);
  sending.upload.pause();
  await quiet(sending);
  assert.deepEqual([sending.upload.state, house.calls.length], ["paused", 4]);
  sending.upload.resume();
  assert.deepEqual(await sending.upload.done, TAKEN);
  assert.equal(house.uploads.get("u1").text, TEXT);
  assert.deepEqual(sending.states, ["sending", "paused", "sending", "done"]);
});

test("what is given up is dropped over there, and not remembered", async () => {
  const house = server();
  const storage = new Memory();
  house.trouble = ({ method, calls }) => (calls.length > 3 && method === "PATCH" ? "cut" : null);
  const sending = begin(house, { storage });
  await quiet(sending);
  const refused = assert.rejects(sending.upload.done, { code: "cancelled" });
  await sending.upload.abort();
  await refused;
  assert.deepEqual([house.dropped, storage.length], [["u1"], 0]);
  assert.equal(sending.upload.state, "failed");
});

test("a server that has no room for a moment is asked again when it said so", async () => {
  const house = server();
  const busy = { status: 503, headers: { "Retry-After": "7" }, body: '{"code":"shutting_down","title":"x"}' };
  house.trouble = ({ calls }) => (calls.length === 3 ? busy : null);
  const sending = begin(house);
  await quiet(sending);
  assert.equal(sending.clock.nextInMs, 7000);
  await sending.clock.pass(7000);
  assert.deepEqual(await sending.upload.done, TAKEN);
});

test("what the server refuses for good ends it, in the server's words", async () => {
  const house = server();
  const body = JSON.stringify({ code: "upload_too_large", title: "expenses.csv is too large" });
  house.trouble = () => ({ status: 413, body });
  const { upload } = begin(house);
  await assert.rejects(upload.done, { code: "upload_too_large", title: "expenses.csv is too large" });
  assert.equal(house.calls.length, 1);
});

test("a server that forgets whatever it is sent is given up", async () => {
  const house = server();
  house.trouble = ({ method }) => (method === "HEAD" ? { status: 404 } : null);
  await assert.rejects(begin(house).upload.done, { status: 404 });
  assert.equal(house.uploads.size, 4);
});

test("what authorises is asked for with every request", async () => {
  const house = server();
  const seen = new Set();
  house.trouble = ({ headers }) => void seen.add(headers.Authorization) ?? null;
  let turn = 0;
  const headers = async () => ({ Authorization: `Bearer ${(turn += 1)}` });
  await begin(house, { headers }).upload.done;
  assert.equal(seen.size, house.calls.length);
});

test("where there are no resumable uploads the file goes in one request", async () => {
  const asked = [];
  const sendWhole = (settings) => ({
    send(files, { options, onProgress, key }) {
      asked.push({ url: settings.url, key, files: files.length, options });
      let fail = null;
      const cancelled = new Promise((_, reject) => (fail = reject));
      onProgress({ state: "sending", sent: 9 });
      const whole = { batch_id: "batch-1", jobs: [{ job_id: "job-1" }] };
      const done = asked.length === 1 ? cancelled : Promise.resolve(whole);
      return { done, cancel: () => fail(new Error("cancelled")) };
    },
  });
  const sending = begin(server(false), { sendWhole, options: { name: "x" } });
  await quiet(sending);
  sending.upload.pause();
  await quiet(sending);
  assert.equal(asked.length, 1);
  sending.upload.resume();
  assert.deepEqual(await sending.upload.done, TAKEN);
  assert.equal(asked.length, 2);
  assert.ok(asked[0].key);
  assert.equal(asked[0].key, asked[1].key);
  assert.deepEqual(asked[0], { ...asked[0], url: "/api/v1/batches", files: 1, options: { name: "x" } });
  assert.deepEqual(sending.states, ["sending", "paused", "sending", "done"]);
});

/** No answer, ever; the line does not know that it is dead. */
const silence = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
  });

test("a line that is dead without knowing is given up, and a smaller piece goes after it", async () => {
  const house = server();
  const sizes = [];
  house.trouble = ({ method, headers, signal, calls }) => {
    if (method === "PATCH") sizes.push(Number(headers["Upload-Offset"]));
    return calls.length === 4 ? silence({ signal }) : null;
  };
  const sending = begin(house);
  await quiet(sending);
  assert.deepEqual(sending.states, ["sending"]);
  await sending.clock.pass(120_000);
  await quiet(sending);
  assert.equal(sending.states.at(-1), "waiting");
  await sending.clock.pass(5000);
  assert.deepEqual(await sending.upload.done, TAKEN);
  assert.deepEqual(sizes.slice(0, 4), [0, 4, 4, 6], "two bytes after the break, where eight were to go");
  assert.equal(sending.clock.nextInMs, Infinity);
});

test("a server that does not even say how far it is is asked again", async () => {
  const house = server();
  house.trouble = ({ signal, calls }) => (calls.length === 2 ? silence({ signal }) : null);
  const sending = begin(house);
  await quiet(sending);
  await sending.clock.pass(30_000);
  await quiet(sending);
  await sending.clock.pass(5000);
  assert.deepEqual(await sending.upload.done, TAKEN);
});

test("who was signed out goes on from there once signed in again", async () => {
  const house = server();
  const storage = new Memory();
  house.trouble = ({ calls }) => (calls.length === 4 ? { status: 401, body: '{"code": "not_authenticated"}' } : null);
  const first = begin(house, { storage });
  await assert.rejects(first.upload.done, { status: 401 });
  const second = begin(house, { storage });
  assert.deepEqual(await second.upload.done, TAKEN);
  assert.equal(house.uploads.size, 1);
  assert.equal(storage.length, 0);
});

test("of many files so many are sent at a time, and who waits may still go", async () => {
  const house = server();
  const held = [];
  house.trouble = ({ method }) => (method === "POST" ? new Promise((go) => held.push(() => go(null))) : null);
  const uploads = createUploads(2);
  const states = [[], [], [], []];
  const sent = states.map((told, place) =>
    uploads.send(new File([TEXT], `${place}.csv`), {
      fetch: house.fetch,
      storage: null,
      onProgress: ({ state }) => told.at(-1) === state || told.push(state),
    }),
  );
  await quiet({ house, states });
  assert.equal(house.calls.length, 2);
  assert.deepEqual(states, [["queued", "sending"], ["queued", "sending"], ["queued"], ["queued"]]);
  sent[2].abort();
  await assert.rejects(sent[2].done, { code: "cancelled" });
  assert.equal(uploads.active, 3);
  held.shift()();
  await sent[0].done;
  await quiet({ house, states });
  assert.equal(states[3].at(-1), "sending");
  held.forEach((go) => go());
  await Promise.all([sent[1].done, sent[3].done]);
  assert.equal(uploads.active, 0);
});

test("a batch of one's own has an id as the server takes it", () => {
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/;
  for (let round = 0; round < 20; round += 1) assert.match(newBatchId(), pattern);
});
