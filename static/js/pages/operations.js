/** The operations page: figures, connections, frames and notes, as long as somebody looks. */

import { el, keyedList, parts, setAttr, setHidden, setText, setVar } from "../core/dom.js";
import { formatCount, formatDuration } from "../../sdk/format.js";
import { createApi } from "../../sdk/api.js";
import { actor, bound, columns, connectionLine, factsText, figures, frameText, partDetails } from "../ui/connections.js";
import { createShell, localise, onForms } from "../ui/shell.js";
import { createSigns } from "../ui/signs.js";

const EVERY_MS = 1000;
const NOTES_EVERY = 5; // rounds
const SHOWN = 200;
const SECONDS_PLOTTED = 120;
const LOG_S = 300;
const ALARMING = new Set(["sign_in_failed", "refused", "notes_lost"]);

const byId = (id) => document.getElementById(id);
const copy = (id) => byId(id).content.firstElementChild.cloneNode(true);
const api = createApi({ timeoutMs: 5000 });

// figures and plots

const shownFigures = [...byId("figures").children].map((node) => [node.dataset.key, parts(node)]);
/** Deliveries since the start, by when it was asked. @type {{at: number, sent: number}[]} */
let samples = [];

function paintFigures(status) {
  const told = figures(status);
  for (const [key, part] of shownFigures) {
    setText(part.value, told[key][0]);
    setText(part.note, told[key][1]);
  }
  for (const [key, detail] of Object.entries(partDetails(status))) {
    setText(byId("parts").querySelector(`[data-key="${key}"] small`), detail);
  }
  setText(byId("up"), formatDuration(Math.floor(status.up_s) * 1000));
}

function paintRate(status) {
  const now = Date.parse(status.now);
  // a server that began anew counts from nothing
  if (samples.length && samples.at(-1).sent > status.deliveries) samples = [];
  samples.push({ at: now, sent: status.deliveries });
  samples = samples.filter(({ at }) => now - at <= SECONDS_PLOTTED * 1000);
  const rates = samples.slice(1).map(({ at, sent }, before) => ({
    x: SECONDS_PLOTTED - (now - at) / 1000,
    rate: ((sent - samples[before].sent) / Math.max(1, at - samples[before].at)) * 1000,
  }));
  const top = ceiling(Math.max(1, ...rates.map(({ rate }) => rate)));
  const points = rates.map(({ x, rate }) => `${x.toFixed(1)},${(100 - (rate / top) * 100).toFixed(1)}`);
  const plot = byId("rate");
  setAttr(plot.querySelector("polyline"), "points", points.join(" "));
  const [first, last] = [rates[0]?.x ?? 0, rates.at(-1)?.x ?? 0];
  setAttr(plot.querySelector("polygon"), "points", points.length ? `${first},100 ${points.join(" ")} ${last},100` : "");
  const [high, middle] = plot.querySelectorAll(".y span");
  setText(high, formatCount(top));
  setText(middle, formatCount(top / 2));
  const latest = formatCount(Math.round(rates.at(-1)?.rate ?? 0));
  setAttr(plot, "aria-label", `Events sent a second: ${latest} now, at most ${formatCount(top)}`);
}

/** The next 1, 2 or 5 with noughts, even so that its half is whole. */
function ceiling(value) {
  const ten = 10 ** Math.floor(Math.log10(value));
  return Math.max(2, [1, 2, 4, 10].find((step) => step * ten >= value) * ten);
}

function paintDelay({ telling_s: telling }) {
  const plot = byId("delay");
  const [bars, labels] = [plot.querySelector(".cols"), plot.querySelector(".x")];
  const all = columns(telling);
  if (bars.children.length !== all.length) {
    bars.replaceChildren(...all.map(() => el("i")));
    labels.replaceChildren(...all.map(({ label }) => el("span", {}, label)));
  }
  all.forEach(({ share }, at) => setVar(bars.children[at], "--v", `${share.toFixed(1)}%`));
  setAttr(plot, "aria-label", `Half of all events were told within ${bound(telling.p50)}, 99 in 100 within ${bound(telling.p99)}`);
}

// connections

const partsOf = new WeakMap();
const table = keyedList(byId("lines"), {
  keyOf: (line) => line.id,
  create: () => copy("line"),
  update(node, line) {
    if (!partsOf.has(node)) partsOf.set(node, parts(node));
    const part = partsOf.get(node);
    for (const name of ["who", "how", "by", "form", "since", "place", "sent", "events", "received", "behind"]) {
      setText(part[name], line[name]);
    }
    part.behind.hidden = !line.behind;
    follows(part.follows, line);
    setAttr(part["form-log"], "action", `/operations/connections/${line.id}/log`);
    setAttr(part.log, "value", line.is_logged ? "" : "on");
    setText(part.log.firstChild, line.is_logged ? "Stop logging" : "Log frames");
    setText(part.log.lastElementChild, ` of ${line.who}`);
  },
});

function follows(node, line) {
  const wanted = `${line.follows.map(([words]) => words).join(", ")}${line.more ? ` ${line.more}` : ""}`;
  if (node.textContent === wanted) return;
  const links = line.follows.map(([words, url]) => (url ? el("a", { href: url }, words) : words));
  node.replaceChildren(...links.flatMap((link, at) => (at ? [", ", link] : [link])), line.more ? ` ${line.more}` : "");
}

function paintConnections(status) {
  const lines = status.connections.map((one) => connectionLine(one, status.now));
  table.render(lines);
  const more = status.connected - lines.length;
  setText(byId("shown"), more > 0 ? `${formatCount(lines.length)} shown, ${formatCount(more)} more` : lines.length);
  byId("nobody").hidden = lines.length > 0;
}

// frames of one connection

const box = byId("frames");
const boxPart = parts(box);
const frameList = box.querySelector("ol");
let connection = box.dataset.connection;
let lastFrame = 0;
if (connection) frameList.replaceChildren();

onForms(document, {
  "/log": async (form) => {
    const id = form.action.split("/").at(-2);
    const on = form.querySelector("button").value === "on";
    await api.post(`/websocket/connections/${id}/log`, { on, seconds: LOG_S });
    if (id !== connection) {
      connection = id;
      lastFrame = 0;
      frameList.replaceChildren();
      setText(boxPart.number, id);
    }
    setHidden(box, false);
    if (on) box.focus();
    await look();
  },
});

async function paintFrames() {
  if (!connection) return;
  const told = await api.get(`/websocket/connections/${connection}/log?after=${lastFrame}`);
  const fresh = told.frames.map((frame) => {
    const node = copy("frame");
    const [time, way, text] = node.children;
    setAttr(time, "datetime", frame.at);
    setText(way.firstElementChild, frame.direction === "out" ? "→" : "←");
    setText(way.lastElementChild, frame.direction === "out" ? "sent" : "received");
    setText(text, frameText(frame));
    return node;
  });
  frameList.prepend(...fresh.reverse());
  while (frameList.children.length > SHOWN) frameList.lastElementChild.remove();
  lastFrame = told.frames.at(-1)?.n ?? lastFrame;
  localise(frameList);
  setText(boxPart.until, told.on ? "logging" : "the log is off");
}

// notes

const words = new Map([...byId("kind").options].map((option) => [option.value, option.textContent]));
const noteList = keyedList(byId("notes"), {
  keyOf: (entry) => String(entry.id),
  create(entry) {
    const node = copy("note");
    const [when, who, did, what, from] = node.children;
    setAttr(when.firstElementChild, "datetime", entry.at);
    setText(who.firstElementChild, actor(entry));
    setText(did, words.get(entry.kind) ?? entry.kind);
    setAttr(did, "class", `nowrap ${ALARMING.has(entry.kind) ? "bad" : "sub"}`);
    setText(what, factsText(entry.facts));
    setText(from, entry.address);
    localise(node);
    return node;
  },
});

async function paintNotes() {
  if (!("newest" in byId("audit").dataset)) return;
  const kind = new URLSearchParams(location.search).get("kind");
  const query = kind ? `&kind=${encodeURIComponent(kind)}` : "";
  noteList.render((await api.get(`/audit?limit=50${query}`)).entries);
}

byId("kind").addEventListener("change", (event) => event.target.form.requestSubmit());

// one round after another, while somebody looks

let round = 0;
let tries = 0;
let clock = 0;
let asking = false;
let over = false;
let lastLive = null;
/** @type {import("../../sdk/types.js").ConnectionState} */
let state = { name: "connecting" };
const signs = createSigns(() => ({
  get state() {
    return state;
  },
  retryNow: look,
  giveWay() {},
}));
const become = (next) => signs.show((state = next));

async function look() {
  clearTimeout(clock);
  if (asking || document.hidden) return;
  asking = true;
  over = false;
  try {
    const status = await api.get(`/websocket/status?limit=${SHOWN}`);
    paintFigures(status);
    paintRate(status);
    paintDelay(status);
    paintConnections(status);
    await paintFrames();
    if (round++ % NOTES_EVERY === 0) await paintNotes();
    tries = 0;
    lastLive = new Date().toISOString();
    if (state.name !== "live") become({ name: "live", transport: "polling", latencyMs: null, everyMs: EVERY_MS });
  } catch (problem) {
    failed(problem);
  } finally {
    asking = false;
  }
  if (!over) clock = setTimeout(look, EVERY_MS * Math.min(10, tries + 1));
}

/** Somebody who is signed out, or no operator any more, is not asked about again and again. */
function failed(problem) {
  if (!problem.title) throw problem;
  if (problem.code === "not_found") {
    // the frames of a connection of which nothing is known any more
    connection = "";
    setText(boxPart.until, "nothing is known of it any more");
    return;
  }
  tries += 1;
  over = problem.status === 401 || problem.status === 403;
  if (over) become({ name: "signedOut" });
  else become({ name: "reconnecting", tries, inMs: EVERY_MS * Math.min(10, tries + 1), since: lastLive });
}

document.addEventListener("visibilitychange", () => over || look());
createShell();
look();
