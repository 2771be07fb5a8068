// Every hook of the kit in a page of its own (jsdom), against a real server; prints what they say.
// node hooks.js <server> <API token> <listen token>

import { JSDOM } from "jsdom";
import WebSocket from "ws";

const [server, secret, token] = process.argv.slice(2);
const dom = new JSDOM("<div id=root></div>", { url: server, pretendToBeVisual: true });
const { window } = dom;
Object.assign(globalThis, {
  window,
  document: window.document,
  navigator: window.navigator,
  XMLHttpRequest: window.XMLHttpRequest,
  FormData: window.FormData,
  IS_REACT_ACT_ENVIRONMENT: false,
});

const { createElement: h, useEffect } = await import("react");
const { createRoot } = await import("react-dom/client");
const kit = await import("livetrail/react");

const headers = { Authorization: `Bearer ${secret}` };
const listening = { server, token, WebSocket };
const said = {};
let wake = () => {};
const files = (...named) => named.map(([name, text]) => new window.File([text], name));

function tell(name, value) {
  said[name] = value;
  wake();
}

/** Wait until `found` is true of what was said; fails by the time limit of the test. */
async function until(found) {
  while (!found(said)) await new Promise((resolve) => (wake = resolve));
}

function Statuses() {
  const socket = kit.useFileStatusSocket("me", token, listening);
  const done = kit.useFileStatusStore((store) => store.getCompletedFiles());
  const all = kit.useFileStatusStore((store) => store.getAllStatuses());
  useEffect(() => tell("statuses", { socket, done, all }));
  return null;
}

function Processing() {
  const processing = kit.useAsyncProcessing({ ...listening, headers });
  useEffect(() => tell("processing", processing));
  return null;
}

function Upload({ batchId }) {
  const upload = kit.useUploadProgress(batchId, token, listening);
  useEffect(() => tell("upload", upload));
  return null;
}

function Session({ id, name }) {
  const session = kit.useSessionWebSocket(id, listening);
  useEffect(() => tell(name, session));
  return null;
}

function Socket() {
  const socket = kit.useWebSocket(listening);
  useEffect(() => tell("socket", socket));
  useEffect(() => tell("early", socket.sendMessage({ op: "pause", job_id: "none" })), []);
  useEffect(
    () =>
      socket.on("processing_completed", (event) =>
        tell("heard", [...(said.heard ?? []), event.job_id]),
      ),
    [socket.on],
  );
  return null;
}

/** A server that never answers, and time that does not count. */
let knocked = 0;
class Nobody {
  constructor() {
    knocked += 1;
    queueMicrotask(() => this.onclose({ code: 1006, reason: "" }));
  }
  close() {}
}
const nowhere = {
  url: "ws://nowhere.example/ws",
  transports: ["websocket"],
  WebSocket: Nobody,
  timers: { set: (run, ms) => setTimeout(run, ms > 6000 && ms < 20_000 ? ms : 0), clear: clearTimeout },
  reconnectAttempts: 7,
};

/** What `count` is when nothing has happened for many turns of the loop. */
async function turns(count) {
  for (let quiet = 0, before = count(); quiet < 50; quiet += 1) {
    await new Promise((resolve) => setTimeout(resolve));
    if (count() > before) quiet = 0;
    if (count() > 30) break; // for ever
    before = count();
  }
  return count();
}

function GivesUp() {
  const { reconnect } = kit.useWebSocket(nowhere);
  useEffect(() => tell("again", reconnect));
  return null;
}

const root = createRoot(window.document.getElementById("root"));
const parts = [h(Statuses, { key: 1 }), h(Processing, { key: 2 }), h(Socket, { key: 3 })];
root.render(parts);
await until(({ statuses, processing, socket }) =>
  [statuses?.socket, processing, socket].every((one) => one?.isConnected),
);

const sent = [said.early, said.socket.sendMessage({ op: "pause", job_id: "none" })];

const csv = "Date,Description,Amount\n2025-01-04,Tea,-2.10\n";
const ids = await said.processing.startBatchProcessing(
  files(["tea.csv", csv], ["bad.csv", "\0\u0001".repeat(99)]),
  { confidence_threshold: 0.8 },
);
const ended = ({ status }) => status === "completed" || status === "error";
await until(({ processing }) => processing.files.filter(ended).length === 2);
await until(({ statuses, heard }) => statuses.done.length === 1 && heard);
const { files: processed } = said.processing;

const asked = await said.processing.startSingleProcessing(
  files(["dates.csv", "Date,Description,Amount\n01/02/2025,Tea,-2.10\n02/03/2025,Milk,-1.30\n"])[0],
);
await until(({ statuses }) => statuses.all.find((one) => one.fileId === asked)?.phase === "asking");
const batchId = said.statuses.all.find((one) => one.fileId === asked).batchId;
root.render([
  ...parts,
  h(Upload, { key: 4, batchId }),
  h(Session, { key: 5, id: asked, name: "session" }),
  h(Session, { key: 6, id: batchId, name: "batch" }),
]);
await until(({ session, upload, batch }) =>
  session?.clarifications.length && upload?.progress > 0 && batch?.progress?.hasClarifications,
);
const waiting = { session: said.session.progress, upload: said.upload.status };
const [question] = said.session.clarifications;
const answer = { answer: question.choices[0].value };
// A listen-only token listens: to answer, another one is needed.
const refused = await said.statuses.socket
  .emit("answer", { clarification_id: question.clarificationId, ...answer })
  .catch(({ code }) => code);
await fetch(`${server}/api/v1/clarifications/${question.clarificationId}/answer`, {
  method: "POST",
  headers: { ...headers, "Content-Type": "application/json" },
  body: JSON.stringify(answer),
});
await until(({ session, upload, batch }) =>
  session.isCompleted && upload.status === "completed" && batch.isCompleted,
);
const { progress, clarifications } = said.session;
const { upload } = said;
const finished = said.batch.progress;

// the same components, shown another upload
const first = said.statuses.all.find((one) => one.fileId === ids[0]).batchId;
root.render([
  ...parts,
  h(Upload, { key: 4, batchId: first }),
  h(Session, { key: 5, id: ids[0], name: "session" }),
  h(Session, { key: 6, id: first, name: "batch" }),
]);
await until(({ session, upload, batch }) =>
  session.isCompleted && session.progress.sessionId === ids[0] &&
  upload.status === "error" && batch.progress?.sessionId === first && batch.progress.prompts.failed,
);
const others = {
  upload: said.upload.files.map(({ fileId }) => fileId),
  batch: said.batch.progress.prompts.total,
  questions: said.session.clarifications.length,
};
said.processing.resetProcessing();
await until(({ processing }) => processing.files.length === 0);
root.render(h(GivesUp));
await until(({ again }) => again);
const knocks = [await turns(() => knocked)];
said.again();
knocks.push(await turns(() => knocked));
root.unmount();

console.log(
  JSON.stringify({
    ids,
    sent,
    processed,
    waiting,
    progress,
    clarifications,
    refused,
    upload: { ...upload, files: upload.files.length },
    batch: finished,
    others,
    knocks,
    heard: said.heard,
  }),
);
// Whoever left has closed the connection: nothing keeps this process alive.
