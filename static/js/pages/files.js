/** The Files page: rows that live, the head that sums them up, and files that come in. */

import { el, keyedList, setAttr, setHidden, setText, setVar } from "../core/dom.js";
import { timeLeft } from "../../sdk/format.js";
import { createPainter } from "../../sdk/frame.js";
import { createJobStore } from "../../sdk/jobs.js";
import { createApi } from "../../sdk/api.js";
import { attachToPage, createClient } from "../../sdk/client.js";
import { createDropZone } from "../ui/drop-zone.js";
import { bindRow, paintRow } from "../ui/file-row.js";
import { chipOf, jobView, tally } from "../ui/job-view.js";
import { createFeed } from "../ui/message-feed.js";
import { choose, createShell, later, memory, onForms, share, submit, tell, toast } from "../ui/shell.js";
import { createAnnouncer, createSigns } from "../ui/signs.js";

const { room, batch: batchId, title, maxBytes, maxFiles, log } = document.body.dataset;
const LISTED = 1000;
const PAGE = 200;
const CELLS_AT_MOST = 60;
const REGROUP_MS = 500;
const SUM_UP_MS = 250;
const AT_ONCE = 150; // rows made in one go, so that a long list does not hold up the page
const DISMISSED = "livetrail.dismissed";

const byId = (id) => document.getElementById(id);
const api = createApi();
const store = createJobStore({ onGap: mend });
/** What is shown of each file. @type {Map<string, import("../ui/job-view.js").View>} */
const views = new Map();
/** @type {Map<string, ReturnType<typeof bindRow>>} */
const rows = new Map();
/** Files of which events came without those before them. @type {Set<string>} */
const missing = new Set();
const dismissed = new Set((memory.get(DISMISSED) ?? "").split(" "));
let chip = "";
let search = byId("find").value.trim().toLowerCase();
let regroupAt = 0;
let sumUpAt = 0;
let listed = AT_ONCE;

// rows

const template = byId("row").content.firstElementChild;
const sections = [...document.querySelectorAll("[data-section]")].map((section) => ({
  key: section.dataset.section,
  section,
  count: section.querySelector("[data-part=count]"),
  list: keyedList(section.querySelector("ul"), { create: nodeOf, keyOf: (id) => id }),
}));
for (const node of document.querySelectorAll("li.file")) rows.set(node.dataset.key, bindRow(node, template));

function nodeOf(id) {
  let row = rows.get(id);
  if (!row) {
    row = bindRow(template.cloneNode(true), template);
    rows.set(id, row);
    paintRow(row, views.get(id));
    ask(id, row.node);
  }
  return row.node;
}

function viewOf(id) {
  const status = store.getStatus(id);
  if (!status?.job) return null;
  const view = jobView(status.job, timeLeft(status, Date.now()));
  return view.state === "fail" && dismissed.has(id) ? setAside(view) : view;
}

/** A failure that a person has seen and does not want to act on. */
function setAside(view) {
  const summary = `Failed at ${view.percent}%; set aside`;
  return { ...view, state: "stop", group: "done", slim: true, failure: null, summary };
}

const painter = createPainter((ids) => {
  let moved = false;
  for (const id of ids) {
    const before = views.get(id);
    const view = viewOf(id);
    if (!view) continue;
    views.set(id, view);
    moved ||= before?.group !== view.group || chipOf(before) !== chipOf(view);
    const row = rows.get(id);
    if (row) paintRow(row, view);
    if (row) ask(id, row.node);
    if (row && before && before.state !== view.state) tint(row.node);
    paintCell(id, view);
  }
  if (moved) regroup();
  sumUpAt ||= setTimeout(sumUp, SUM_UP_MS);
});
store.subscribe("*", (status, id) => status?.job && painter.mark(id));

const questions = later("questions", (its) => its.createQuestions(api));

/** A file that waits for an answer shows its question. @param {string} id  @param {HTMLElement} node */
function ask(id, node) {
  const waits = drop ? (store.getStatus(id).job.waiting_for ?? []) : [];
  // without a connection they come with it, see onState
  if (waits.length || node.querySelector("form.ask")) questions().then((its) => its.paint(id, waits, node), () => {});
}

/** A row whose state is another shows it for a second. */
function tint(node) {
  node.dataset.changed = "";
  setTimeout(() => delete node.dataset.changed, 1000);
}

/** Sort files into their groups; at most every half second, so that nothing flickers past. */
function regroup() {
  if (regroupAt) return;
  regroupAt = setTimeout(arrange, views.size > rows.size ? 0 : REGROUP_MS);
}

function arrange() {
  clearTimeout(regroupAt);
  regroupAt = 0;
  const newest = [...views.keys()].sort().reverse().slice(0, LISTED);
  const wanted = newest.filter((id) => matches(views.get(id)));
  let any = false;
  let room = listed;
  for (const { key, section, count, list } of sections) {
    const ids = wanted.filter((id) => views.get(id).group === key);
    // before a row that has focus comes in: hidden, it could not keep it
    if (ids.length) section.hidden = false;
    list.render(ids.slice(0, room));
    room = Math.max(0, room - ids.length);
    section.hidden = ids.length === 0;
    any ||= ids.length > 0;
    setText(count, ids.length);
  }
  const none = views.size === 0;
  hide("welcome", !none || search);
  hide("batch", none);
  hide("activity", none);
  hide("drop", none && !search);
  hide("no-match", any || none);
  cells();
  sumUp();
  if (wanted.length <= listed) return;
  listed += AT_ONCE;
  requestAnimationFrame(arrange);
}

/** What a guest may not use is not on the page. */
const hide = (id, hidden) => setHidden(byId(id), Boolean(hidden));

function matches(view) {
  if (chip && chipOf(view) !== chip) return false;
  return !search || view.name.toLowerCase().includes(search);
}

// head

const head = {
  percent: document.querySelector("#batch [data-part=percent]"),
  headline: document.querySelector("#batch [data-part=headline]"),
  aside: document.querySelector("#batch [data-part=aside]"),
  cells: byId("cells"),
  chips: [...byId("chips").children],
  needs: byId("needs"),
};
/** @type {Map<string, HTMLElement>} */
const cellOf = new Map([...head.cells.querySelectorAll("a")].map((node) => [node.pathname.slice(6), node]));

function sumUp() {
  clearTimeout(sumUpAt);
  sumUpAt = 0;
  const all = [...views.values()];
  const { percent, headline, aside } = tally(all);
  setText(head.percent, `${percent}%`);
  setText(head.headline, headline);
  setText(head.aside, aside);
  const counts = new Map([["", all.length]]);
  for (const view of all) counts.set(chipOf(view), (counts.get(chipOf(view)) ?? 0) + 1);
  for (const node of head.chips) {
    const count = counts.get(node.value) ?? 0;
    node.hidden = count === 0 && node.value !== "" && node.value !== chip;
    setText(node.lastElementChild, count);
  }
  for (const form of document.querySelectorAll("#batch form[data-op]")) {
    setHidden(form, !all.some((view) => view[`can_${form.dataset.op}`]), byId("chips").firstElementChild);
  }
  const needing = counts.get("needs") ?? 0;
  hide("needs", !needing);
  setText(head.needs?.firstElementChild, needing);
  if (all.length > CELLS_AT_MOST) bars(counts);
  const going = counts.get("run") || counts.get("wait") ? `${percent}% · ` : "";
  const need = needing && `${needing} ${needing === 1 ? "needs" : "need"} you · `;
  document.title = `${need || going}${title} · Livetrail`;
}

function paintCell(id, view) {
  const node = cellOf.get(id);
  if (!node) return;
  setAttr(node, "data-s", view.state);
  setVar(node, "--p", `${view.group === "done" ? 100 : view.percent}%`);
  setAttr(node, "aria-label", `${view.name}: ${view.spoken}`);
}

/** A cell a file, newest first; above sixty files one bar by state. */
function cells() {
  if (views.size > CELLS_AT_MOST) {
    if (cellOf.size) head.cells.replaceChildren();
    cellOf.clear();
    return;
  }
  const ids = [...views.keys()].sort().reverse();
  for (const id of ids) {
    if (!cellOf.has(id)) cellOf.set(id, el("a", { href: `/jobs/${id}` }));
    paintCell(id, views.get(id));
  }
  const nodes = ids.map((id) => cellOf.get(id));
  if (nodes.some((node, at) => head.cells.children[at] !== node)) head.cells.replaceChildren(...nodes);
}

function bars(counts) {
  const states = ["done", "run", "needs", "wait", "stop"].filter((state) => counts.get(state));
  if (head.cells.children.length !== states.length) {
    head.cells.replaceChildren(...states.map(() => el("i", {}, el("span", { class: "vh" }))));
  }
  states.forEach((state, at) => {
    const node = head.cells.children[at];
    setAttr(node, "data-s", state);
    setVar(node, "--w", counts.get(state));
    setText(node.firstElementChild, `${state}: ${counts.get(state)}`);
  });
}

byId("chips").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  chip = button.value;
  for (const node of head.chips) setAttr(node, "aria-pressed", node === button);
  arrange();
});
byId("find").addEventListener("input", (event) => {
  search = event.target.value.trim().toLowerCase();
  arrange();
  lookInside();
});
byId("find").addEventListener("keydown", (event) => event.key === "Escape" && event.target.blur());
byId("find").form.addEventListener("submit", (event) => event.preventDefault());
document.querySelector('[data-do="clear"]').addEventListener("click", (event) => {
  event.preventDefault();
  byId("find").value = search = chip = "";
  for (const node of head.chips) setAttr(node, "aria-pressed", node.value === "");
  arrange();
  lookInside();
});

const found = later("found", (its) => its.createFound({ api, box: byId("found") }));
/** Documents that hold the words are listed, too; a guest looks at what was shared. */
function lookInside() {
  if (byId("found")) found().then((its) => its.look(search), () => {});
}

// what a person does

const exporting = later("exports", (its) => its.createExports(api));
onForms(document, {
  "/cancel": async (form, path) => {
    await api.post(path);
    const name = form.dataset.op ? "What was not done" : (views.get(path.split("/")[2])?.name ?? "The file");
    const again = path.replace("/cancel", "/retry");
    toast(`${name} is cancelled`, { action: "Take it up again", run: () => api.post(again).catch(tell) });
  },
  "/": (form, path) => api.post(path),
  "/share": share(api),
  "/exports": async (form) => (await exporting()).ask(form),
});
document.addEventListener("click", (event) => {
  if (!event.target.closest('[data-do="dismiss"]')) return;
  const id = event.target.closest("li.file").dataset.key;
  dismissed.add(id);
  memory.set(DISMISSED, [...dismissed].slice(-500).join(" "));
  painter.mark(id);
});

createShell({
  keys: {
    "/": () => byId("find").focus(),
    u: () => zone?.choose(),
    j: () => choose(links(), 1),
    k: () => choose(links(), -1),
    n: () => choose(links('[data-group="needs"]'), 1),
    r: () => here("retry-form"),
    c: () => here("cancel"),
    p: pause,
  },
});
/** Pause the file that has focus, or let it go on. */
function pause() {
  const id = document.activeElement?.closest("li.file")?.dataset.key;
  const view = views.get(id);
  const verb = view?.can_resume ? "resume" : view?.can_pause && "pause";
  if (verb) api.post(`/jobs/${id}/${verb}`).catch(tell);
}
const links = (within = "") => [...document.querySelectorAll(`.file${within} .name a`)];
const here = (part) => submit(document.activeElement?.closest("li.file")?.querySelector(`[data-part="${part}"]`));

const drop = byId("drop");
const sending = later("sending", (its) => its.createSending({
  list: byId("sending"),
  limits: { maxBytes: Number(maxBytes), maxFiles: Number(maxFiles) },
  onArrived({ batch_id: arrived }, active) {
    // a page that shows one batch can not show another's files
    if (batchId && active === 0) location.assign(`/batches/${arrived}`);
  },
}));
const zone = drop && createDropZone(drop, sending);

// what the server tells

const feed = createFeed({
  list: byId("feed"),
  empty: byId("feed-empty"),
  pause: document.querySelector('[data-do="pause-feed"]'),
  names: true,
});
const announcer = createAnnouncer();
/** Where an upload without files yet says what is on its way. */
const coming = document.querySelector('[data-part="coming"]');
const signs = createSigns(() => client);
const notices = memory.get("livetrail.notices") === "on" && later("notices", (its) => its.createNotices());
const client = createClient({
  log: log || null,
  onEvent(event) {
    store.applyEvent(event);
    if (coming && event.type === "upload_progress") setText(coming, event.message);
    if (notices && client.state.name === "live") notices().then((its) => its.hear(event), () => {});
  },
  onState(state) {
    signs.show(state);
    if (state.name !== "live") return;
    // what could not be had meanwhile
    missing.forEach(mend);
    for (const { fileId, phase } of store.getActiveFiles()) if (phase === "asking") painter.mark(fileId);
  },
  onSnapshot: (job) => store.applySnapshot(job),
  onReset: () => {
    store.clearAll();
    location.reload();
  },
  onTruncated: () => others(),
});

store.follow((event, status) => {
  if (!status) return;
  feed.add(event, status.filename);
  if (client.state.name !== "live") return;
  if (event.type === "processing_completed") announcer.say(`${status.filename} is done`, { key: "done" });
  if (event.type === "processing_failed") {
    announcer.say(`${status.filename} failed: ${event.error.title}`, { key: "failed" });
  }
  if (event.type === "processing_started") announcer.say(event.message, { key: "started" });
});

/** Something is missing in between: take the whole state instead, or once the page is live again. */
async function mend(jobId) {
  missing.add(jobId);
  try {
    store.applySnapshot(await api.job(jobId));
    missing.delete(jobId);
  } catch (problem) {
    if (problem.status === 404) missing.delete(jobId);
  }
}

/** A page of files as they stand, newest first. @param {string} [before]  a page's cursor */
async function load(before) {
  const page = await api.jobs({ batch_id: batchId || undefined, limit: PAGE, before });
  store.batch(() => page.jobs.forEach((job) => store.applySnapshot(job)));
  painter.flush();
  arrange();
  return page;
}

/** The first page says from which place in the log on to listen; those after it come meanwhile. Of
 *  a list of older files that is the newest file's: what happened before to others is not for here. */
async function start() {
  let after = null; // how everything stands
  let next = new URLSearchParams(location.search).get("before") ?? undefined;
  try {
    const latest = next ? (await api.jobs({ batch_id: batchId || undefined, limit: 1 })).jobs : [];
    const page = await load(next);
    after = [...latest, ...page.jobs].reduce((seq, job) => Math.max(seq, job.last_seq), 0);
    next = page.next;
  } catch (problem) {
    tell(problem);
  }
  client.follow(room, after);
  client.start();
  attachToPage(client, window);
  if (next) others(next);
}

/** All files, as far as they are listed; from the page `next` on. @param {string} [next] */
async function others(next) {
  try {
    do next = (await load(next)).next;
    while (next && views.size < LISTED);
  } catch (problem) {
    tell(problem);
  }
}

setInterval(() => {
  const now = Date.now();
  for (const [id, view] of views) {
    if (view.state === "run" && timeLeft(store.getStatus(id), now) !== view.when) painter.mark(id);
  }
}, 1000);
start();
