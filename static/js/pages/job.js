/** The page of one file: head, stages, rows and messages, live. */

import { adoptVars, el, setAttr, setHidden, setText, setVar } from "../core/dom.js";
import { formatCount, plural, timeLeft } from "../../sdk/format.js";
import { createPainter } from "../../sdk/frame.js";
import { createJobStore } from "../../sdk/jobs.js";
import { createApi } from "../../sdk/api.js";
import { attachToPage, createClient } from "../../sdk/client.js";
import { bindRow, paintHead } from "../ui/file-row.js";
import { jobView, metaOf } from "../ui/job-view.js";
import { createFeed } from "../ui/message-feed.js";
import { createShell, later, memory, onForms, share, submit, tell, toast } from "../ui/shell.js";
import { createAnnouncer, createSigns } from "../ui/signs.js";
import { createRawLog, createStageList, elapsed, stageItems } from "../ui/stage-list.js";

const { job: jobId, plan, title, log } = document.body.dataset;
const MILESTONES = [75, 50, 25];

const byId = (id) => document.getElementById(id);
const api = createApi();
const store = createJobStore({ onGap: load });
const headNode = byId("head");
const head = bindRow(headNode);
const part = head.parts;
const stages = createStageList(byId("stages"));
/** What was read, as this kind of file shows it; its tabs are the server's. */
const NOTHING_READ = { paint() {}, heard() {}, opened() {} };
const makePane = (kind) => kind.createPane({ jobId, api, jobOf: () => store.getStatus(jobId)?.job, open });
const PANES = { reported: async () => NOTHING_READ, transactions: later("rows-pane", makePane) };
const paneOf = PANES[plan] ?? later("document-pane", makePane);
/** @param {(its: any) => void} use  what is missed while it can not be loaded, the server knows */
const pane = (use) => paneOf().then(use, () => {});
const questions = later("questions", (its) => its.createQuestions(api));
const results = later("result");
/** What the server knew as it rendered the page. */
const rendered = Number(byId("raw").dataset.seq);
let milestone = 0;

adoptVars(document);

const painter = createPainter(() => {
  const status = store.getStatus(jobId);
  if (!status?.job) return;
  const { job } = status;
  const now = Date.now();
  const view = jobView(job, timeLeft(status, now));
  const running = view.state === "run";
  setAttr(headNode, "data-s", view.state);
  setText(part.percent, `${view.percent}%`);
  setText(part.message, view.message);
  setText(part.meta, metaOf(job).split(" · ").reverse().join(" · "));
  const took = elapsed(job, now);
  setText(part.when, running ? view.when : took);
  setText(part.elapsed, running && took ? `${view.when ? "· " : ""}${took}` : "");
  setHidden(part.cancel, !view.can_cancel);
  setHidden(part.pause, !view.can_pause);
  setHidden(part.resume, !view.can_resume);
  paintHead(head, view);
  [...part.names.children].forEach((node, at) => {
    setAttr(node, "data-s", view.segments[at]?.state);
    setVar(node, "--w", view.segments[at]?.weight ?? 1);
  });
  stages.paint(stageItems(job, now));
  pane(({ paint }) => paint(job));
  if (job.waiting_for.length || headNode.querySelector("form.ask")) {
    questions().then((its) => its.paint(jobId, job.waiting_for, headNode), () => {});
  }
  notes(job.warnings);
  if (job.last_seq > rendered) results().then((its) => result(its.facts(job), its.undoText(job)), () => {});
  setText(byId("tab-events").lastElementChild, formatCount(job.n));
  document.title = `${running ? `${view.percent}% · ` : ""}${title} · Livetrail`;
});
store.subscribe(jobId, () => painter.mark(jobId));

/** @param {import("../../sdk/fold.js").Warning[]} warnings */
function notes(warnings) {
  const box = byId("warnings");
  const list = byId("notes");
  if (list.children.length === warnings.length) return;
  box.hidden = warnings.length === 0;
  setText(box.querySelector("[data-part=count]"), warnings.length);
  list.replaceChildren(
    ...warnings.map((note) =>
      el(
        "li",
        {},
        el("i", { class: "ic i-alert", aria: { hidden: true } }),
        el("b", {}, note.title),
        el("p", {}, `${note.detail} ${note.hint}`),
      ),
    ),
  );
}

/** @param {[string, string][]} pairs  @param {string} undo  what could be taken back; "": nothing */
function result(pairs, undo) {
  setHidden(part.undo, !undo);
  setText(part["undo-text"], undo);
  byId("result").hidden = pairs.length === 0;
  const list = byId("facts");
  if (list.textContent === pairs.flat().join("")) return;
  list.replaceChildren(
    ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

// tabs

const tabs = [...document.querySelectorAll("#tabs a")];
const strip = byId("tabs");
strip.setAttribute("role", "tablist");
for (const tab of tabs) {
  const pane = byId(tab.hash.slice(1));
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", pane.id);
  pane.setAttribute("role", "tabpanel");
  pane.setAttribute("aria-labelledby", tab.id);
}

function open(name, remember = true) {
  const wanted = tabs.find((tab) => tab.hash === `#${name}`) ?? tabs[0];
  for (const tab of tabs) {
    const on = tab === wanted;
    setAttr(tab, "aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
    byId(tab.hash.slice(1)).toggleAttribute("data-open", on);
  }
  if (remember) {
    history.replaceState(null, "", `#tab=${wanted.hash.slice(1)}`);
    pane(({ opened }) => opened(wanted.hash.slice(1)));
  }
  return wanted;
}

strip.addEventListener("click", (event) => {
  const tab = event.target.closest("a");
  if (!tab) return;
  event.preventDefault();
  open(tab.hash.slice(1));
});
strip.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const at = tabs.indexOf(document.activeElement) + step;
  open(tabs[(at + tabs.length) % tabs.length].hash.slice(1)).focus();
});
const inAddress = () => /^#(?:tab=)?(\w+)$/.exec(location.hash)?.[1] ?? "";
const opened = open(inAddress(), false);
// the page was loaded anew under a person's hands
if (history.state) opened.focus();
addEventListener("hashchange", () => {
  // the skip link's target is no tab
  const name = inAddress();
  if (tabs.some((tab) => tab.hash === `#${name}`)) open(name, false);
});
// what a person does

createShell({
  keys: {
    r: () => submit(part["retry-form"]),
    c: () => submit(part.cancel),
    p: () => submit(part.pause) || submit(part.resume),
    j: () => open(tabs[Math.min(tabs.length - 1, current() + 1)].hash.slice(1)),
    k: () => open(tabs[Math.max(0, current() - 1)].hash.slice(1)),
  },
});
const current = () => tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
const exporting = later("exports", (its) => its.createExports(api));
onForms(document, {
  "/cancel": async () => {
    await api.cancel(jobId);
    toast(`${title} is cancelled`, { action: "Take it up again", run: () => api.retry(jobId).catch(tell) });
  },
  "/": (form, path) => api.post(path),
  "/share": share(api),
  "/exports": async (form) => (await exporting()).ask(form),
  "/delete": async () => {
    await api.call("DELETE", `/jobs/${jobId}`);
    location.assign("/");
  },
  "/undo": async () => {
    part.undo.open = false;
    const { rows } = await api.undo(jobId);
    const what = rows ? `${plural(rows, "row")} of ${title}` : title;
    toast(`${what} ${rows > 1 ? "are" : "is"} taken back`);
  },
});
headNode.addEventListener("click", (event) => {
  if (event.target.closest('[data-do="dismiss"]')) setHidden(part.more, true);
});

// what the server tells

const feed = createFeed({ list: byId("feed"), empty: byId("feed-empty") });
const raw = createRawLog(byId("raw"));
const announcer = createAnnouncer();
const reload = () => location.reload();
const signs = createSigns(() => client);
const notices = memory.get("livetrail.notices") === "on" && later("notices", (its) => its.createNotices());
const client = createClient({
  log: log || null,
  onEvent: heard,
  onState(state) {
    signs.show(state);
    if (state.name !== "live") return;
    if (isLacking) load();
    painter.mark(jobId); // what could not be loaded meanwhile
  },
  onSnapshot: (job) => store.applySnapshot(job),
  onReset: reload,
  // its events are gone; the server renders what is kept
  onTruncated: reload,
});

let { stage } = byId("raw").dataset;

/** The lists go on where the server's rendering ended, which may be before the state it sent since. */
function heard(event) {
  const news = store.applyEvent(event);
  if (notices && client.state.name === "live") notices().then((its) => its.hear(event), () => {});
  const job = store.getStatus(jobId)?.job;
  if (!job) return;
  if (stage && event.stage !== stage) {
    const label = job.stages.find((one) => one.key === event.stage)?.label;
    if (label) feed.heading(label);
  }
  stage = event.stage;
  feed.add(event);
  raw.add(event);
  if (news && client.state.name === "live") announce(event, job);
  pane((its) => its.heard(event, job));
  // other tabs, other fields: the server renders them
  if (event.type === "plan_chosen" && event.plan.name !== plan) reload();
}

function announce(event, job) {
  if (event.type === "processing_failed") {
    announcer.alert(`${event.error.title}. ${event.error.detail} ${event.error.hint}`);
  } else if (event.type === "processing_completed") {
    announcer.say(event.message, { key: "done" });
  } else {
    const passed = MILESTONES.find((percent) => job.progress >= percent) ?? 0;
    if (passed > milestone) announcer.say(`${passed} percent, ${event.message}`, { key: "progress" });
    milestone = Math.max(milestone, passed);
  }
}

let isLacking = false;
/** Take the whole state; one that can not be had now is asked for again once the page is live. */
async function load() {
  isLacking = false;
  try {
    store.applySnapshot(await api.job(jobId));
  } catch (problem) {
    isLacking = true;
    tell(problem);
  }
}

async function start() {
  await load();
  const progress = store.getStatus(jobId)?.overallProgress ?? 0;
  milestone = MILESTONES.find((percent) => progress >= percent) ?? 0;
  painter.flush();
  client.follow(`job:${jobId}`, rendered);
  client.start();
  attachToPage(client, window);
}

setInterval(() => store.getStatus(jobId)?.phase === "running" && painter.mark(jobId), 1000);
start();
