/** The tab of a document: its page with the zones on it, the fields that were read, the zones as a
 *  list. Each zone and field marks the other.
 *
 *  createPane({jobId, api, jobOf, open}) -> {paint(job), heard(event, job), opened(name)}
 */

import { el, setAttr, setText, setVar } from "../core/dom.js";
import { tell, toast } from "./shell.js";

const LOW = 0.9;
const ZONES_AT_ONCE = 1000;
const LIVE_AT_MOST = 300;
const PICTURE_DPI = 110;
const KINDS = {
  key_value: "label and value",
  header: "page header",
  footer: "page footer",
};

export function createPane({ jobId, api }) {
  const byId = (id) => document.getElementById(id);
  const sheet = byId("sheet");
  const picture = sheet.querySelector("img");
  const list = byId("zones");
  const fields = byId("fields");
  const count = byId("tab-document").lastElementChild;
  let page = Number(sheet.dataset.page) || 1;
  let pages = Number(sheet.dataset.pages) || 0;
  let stored = pages > 0;
  /** The shown page's size in points. */
  let size = stored ? [Number(sheet.dataset.width), Number(sheet.dataset.height)] : null;
  let zones = [];
  let asked = 0;

  const paper = byId("paper");
  const guest = !document.querySelector("#head form");
  paper.addEventListener("click", (event) => {
    const step = event.target.closest("[data-step]");
    if (!step || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    turn(page + Number(step.dataset.step)).catch(tell);
  });
  picture.addEventListener("load", () => {
    size ??= [picture.naturalWidth, picture.naturalHeight].map((px) => (px * 72) / PICTURE_DPI);
    picture.hidden = false;
    draw();
  });
  picture.addEventListener("error", () => (picture.hidden = true));
  // it may have come before this script
  if (picture.complete && picture.naturalWidth) picture.dispatchEvent(new Event("load"));

  async function turn(next) {
    page = Math.min(Math.max(1, next), Math.max(1, pages));
    size = null;
    zones = [];
    picture.src = `/api/v1/jobs/${jobId}/pages/${page}.png`;
    picture.alt = `Page ${page} of ${pages}`;
    await look();
  }

  /** Ask what is on the page; the answer to the latest question wins. */
  async function look() {
    const mine = ++asked;
    const [about, found] = await Promise.all([
      api.get(`/jobs/${jobId}/pages`),
      api.get(`/jobs/${jobId}/zones?page=${page}&limit=${ZONES_AT_ONCE}`),
    ]);
    if (mine !== asked || about.pages.length === 0) return;
    stored = true;
    pages = about.pages.length;
    const here = about.pages[page - 1];
    size = [here.width, here.height];
    zones = found.zones;
    setText(byId("page-problem"), here.problem ?? "");
    setText(byId("page-place"), `Page ${page} of ${pages}`);
    for (const step of paper.querySelectorAll("[data-step]")) {
      const to = page + Number(step.dataset.step);
      setAttr(step, "aria-disabled", to < 1 || to > pages ? "true" : "false");
    }
    setText(count, pages > 1 ? pages : "");
    draw();
    listed();
  }

  const place = (node, [x0, y0, x1, y1]) => {
    setVar(node, "--x", `${(x0 / size[0]) * 100}%`);
    setVar(node, "--y", `${(y0 / size[1]) * 100}%`);
    setVar(node, "--w", `${((x1 - x0) / size[0]) * 100}%`);
    setVar(node, "--h", `${((y1 - y0) / size[1]) * 100}%`);
    return node;
  };

  function draw() {
    for (const old of sheet.querySelectorAll(".z")) old.remove();
    if (!size) return;
    zones.forEach((zone, at) => zone.bbox && sheet.append(boxOf(zone, at)));
  }

  function boxOf(zone, at) {
    const node = el(
      "button",
      {
        class: "z",
        type: "button",
        // the list beside it is what a keyboard goes through
        tabindex: -1,
        data: { zone: zone.zone_id, low: zone.confidence < LOW },
        aria: { label: `Zone ${at + 1}, ${KINDS[zone.kind] ?? zone.kind}` },
        on: { click: () => light(zone.zone_id, true), pointerenter: () => light(zone.zone_id) },
      },
      el("i", { aria: { hidden: true } }, String(at + 1)),
    );
    return place(node, zone.bbox);
  }

  function listed() {
    list.replaceChildren(
      ...zones.map((zone, at) =>
        el(
          "li",
          { data: { zone: zone.zone_id }, tabindex: 0, on: { focus: () => light(zone.zone_id), pointerenter: () => light(zone.zone_id) } },
          el("span", { class: "num" }, at + 1),
          el("p", {}, zone.text || `(${KINDS[zone.kind] ?? zone.kind})`),
          el("small", {}, `${KINDS[zone.kind] ?? zone.kind} · ${Math.round(zone.confidence * 100)}%`),
        ),
      ),
    );
  }

  function light(id, follow = false) {
    for (const root of [sheet, list]) {
      for (const node of root.querySelectorAll("[data-zone]")) {
        setAttr(node, "data-lit", node.dataset.zone === id);
        if (follow && root === list && node.dataset.zone === id) node.scrollIntoView({ block: "nearest" });
      }
    }
  }

  // fields

  fields?.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do=edit]");
    if (button) edit(button.closest("[data-field]"));
  });
  for (const kind of ["focusin", "pointerover"]) {
    fields?.addEventListener(kind, (event) => spot(event.target.closest("[data-field]")));
  }
  fields?.addEventListener("pointerleave", () => spot(null));

  /** Show on the page where a field's value stands. */
  async function spot(row) {
    for (const old of sheet.querySelectorAll(".spot")) old.remove();
    if (!row?.dataset.box || !size) return;
    if (Number(row.dataset.page) !== page) return;
    sheet.append(place(el("span", { class: "spot" }), row.dataset.box.split(" ").map(Number)));
  }

  function edit(row) {
    if (row.querySelector("form")) return;
    const button = row.querySelector("[data-do=edit]");
    const shown = row.querySelector("dd:not(.cf)");
    const input = el("input", {
      class: "inp",
      value: row.dataset.value,
      aria: { label: row.querySelector("dt").textContent },
    });
    const close = () => {
      form.remove();
      button.focus();
    };
    const form = el(
      "form",
      { on: { keydown: (event) => event.key === "Escape" && close() } },
      input,
      el("button", { class: "btn primary" }, "Save"),
      el("button", { class: "btn quiet", type: "button", on: { click: close } }, "Leave it"),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      const before = row.dataset.value || null;
      const value = input.value.trim() || null;
      try {
        await correct(row.dataset.field, value);
        close();
        toast(`${row.querySelector("dt").textContent} is changed`, {
          action: "Undo",
          run: () => correct(row.dataset.field, before).catch(tell),
        });
      } catch (problem) {
        tell(problem);
      }
    });
    row.append(form);
    input.focus();
    input.select();
    setText(shown, shown.textContent);
  }

  async function correct(name, value) {
    paintFields(await api.call("PATCH", `/jobs/${jobId}/fields`, { fields: { [name]: value } }));
  }

  function paintFields({ fields: found }) {
    for (const row of fields.querySelectorAll("[data-field]")) {
      const one = found[row.dataset.field];
      if (!one) continue;
      row.dataset.value = one.value ?? "";
      row.dataset.s = one.status;
      row.dataset.page = one.page ?? "";
      row.dataset.box = (one.bbox ?? []).join(" ");
      setText(row.querySelector("dd:not(.cf)"), one.value ?? "Not there");
      setText(row.querySelector(".cf span"), sureness(one));
    }
  }

  // what is told

  let soon = 0;
  /** Zones as they are read, drawn at most once a frame. */
  function told(event) {
    if (stored || event.page !== page || !event.bbox || zones.length >= LIVE_AT_MOST) return;
    zones.push({ ...event, text: "" });
    soon ||= requestAnimationFrame(() => {
      soon = 0;
      draw();
      listed();
    });
  }

  function heard(event) {
    if (event.type === "zone_completed") told(event);
    const done = event.type === "step_completed" ? event.step : event.type;
    if (done === "page_reading" && !picture.src && !guest) turn(page).catch(tell);
    if (done === "fields_edited") api.get(`/jobs/${jobId}/fields`).then(paintFields).catch(tell);
    if (done !== "saving" && done !== "processing_completed" && done !== "job_undone") return;
    look().catch(tell);
    if (fields) api.get(`/jobs/${jobId}/fields`).then(paintFields).catch(tell);
    if (done === "job_undone") location.reload();
  }

  if (stored) look().catch(tell);
  return { paint() {}, heard, opened() {} };
}

/** @param {{status: string, confidence: number}} field  app/web/documentview.py's twin */
export function sureness({ status, confidence }) {
  if (status === "absent") return "";
  if (status === "edited") return "yours";
  return `${Math.round(confidence * 100)}%${status === "check" ? " · check" : ""}`;
}
