/** The tabs of a table: its rows, page by page, and what of them was known before.
 *
 *  createPane({jobId, api, jobOf, open}) -> {paint(job), heard(event, job), opened(name), show(state)}
 *     jobOf   () => the job's state, or undefined
 *     open    (tab) => shows that tab
 *     opened  a person opened a tab; the page may be loaded anew for it
 *  tableRow(row, names) -> what the table shows of a stored row; pure, app/web/rowview.py's twin
 */

import { el, parts, setAttr, setText } from "../core/dom.js";
import { amountText, formatCount, plural } from "../../sdk/format.js";
import { noRows } from "./result.js";
import { later, tell } from "./shell.js";

export const ROWS_A_PAGE = 100;
const REVIEW_BELOW = 0.6;
const TAGS = { known: ["dup", "Known"], review: ["warn", "Check"], new: ["good", "New"] };

/** @param {Record<string, any>} row  @param {Map<string, string>} names */
export function tableRow(row, names) {
  const seen = row.seen_in;
  const sure = row.confidence;
  const doubtful = sure !== null && sure < REVIEW_BELOW;
  const [text, note] = textOf(row);
  return {
    number: row.row,
    date: row.date ?? "",
    text,
    note,
    amount: amountText(row.amount),
    currency: row.currency ?? "",
    category: row.category ?? "",
    reason: row.category_reason ?? "",
    mark: row.state === "known" ? "known" : doubtful ? "review" : "new",
    seen: seen ? `${names.get(seen.job_id) ?? "an earlier file"}, row ${formatCount(seen.row)}` : "",
    seen_url: seen && names.has(seen.job_id) ? `/jobs/${seen.job_id}` : "",
  };
}

function textOf(row) {
  const vendor = row.vendor || row.counterparty || "";
  const description = row.description || "";
  if (vendor || description) {
    const first = vendor || description;
    return [first, description !== first ? description : row.reference || ""];
  }
  const extra = Object.entries(row.extra ?? {}).filter(([, value]) => value);
  return [extra.map(([key, value]) => `${key}: ${value}`).join(" · "), ""];
}

export function createPane({ jobId, api, jobOf, open }) {
  const byId = (id) => document.getElementById(id);
  const table = byId("table");
  const body = byId("lines");
  const template = byId("line").content.firstElementChild;
  const filters = byId("filters");
  const pager = byId("pager");
  const empty = byId("rows-empty");
  const query = new URLSearchParams(location.search);
  let state = query.get("state") ?? "";
  let page = Math.max(1, Number(query.get("page")) || 1);
  let asked = 0;
  let storedAt = "";
  let group = "";
  const editor = later("rows-edit", (its) => its.createRowsEdit({ jobId, api, changed }));
  // since the server rendered the tab of duplicates
  let compared = false;
  const tabOf = (name) => byId(`tab-${name}`).lastElementChild;
  const names = new Map(
    [...document.querySelectorAll("#duplicates a[href^='/jobs/']")].map((link) => [
      link.pathname.split("/")[2],
      link.textContent,
    ]),
  );

  filters.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(link.dataset.state).catch(tell);
  });
  pager.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const step = Number(link.dataset.step);
    page += step;
    load().then(
      () => byId("rows").scrollIntoView({ block: "start" }),
      (problem) => {
        page -= step;
        tell(problem);
      },
    );
  });

  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-part=change]");
    if (!button) return;
    editor().then((its) => its.open(Number(button.value))).catch(tell);
  });

  byId("duplicates").addEventListener("click", (event) => {
    const link = event.target.closest("[data-show]");
    if (!link) return;
    event.preventDefault();
    open("rows");
    show(link.dataset.show).catch(tell);
  });

  function show(next) {
    state = next;
    page = 1;
    return load();
  }

  /** Ask for the page of rows; the answer to the latest question wins. */
  async function load() {
    const mine = ++asked;
    const offset = (page - 1) * ROWS_A_PAGE;
    const found = await api.rows(jobId, { offset, limit: ROWS_A_PAGE, state: state || undefined });
    if (mine !== asked) return;
    const lines = document.createDocumentFragment();
    for (const row of found.rows) lines.append(lineOf(tableRow(row, names)));
    body.replaceChildren(lines);
    table.hidden = found.rows.length === 0;
    empty.hidden = found.rows.length > 0;
    const job = jobOf();
    if (job) setText(empty, noRows(job, found.counts.all));
    for (const link of filters.children) {
      setText(link.querySelector("b"), formatCount(found.counts[link.dataset.state || "all"] ?? 0));
      setAttr(link, "aria-current", link.dataset.state === state ? "true" : null);
    }
    const pages = Math.max(1, Math.ceil(found.total / ROWS_A_PAGE));
    pager.hidden = pages < 2;
    setText(pager.querySelector("[data-part=place]"), `Page ${page} of ${formatCount(pages)}`);
    pager.querySelector('[data-step="-1"]').hidden = page <= 1;
    pager.querySelector('[data-step="1"]').hidden = page >= pages;
    return found.counts;
  }

  /** Show what a person changed; focus goes on where it was, though that button is another now. */
  async function changed(number) {
    await again();
    body.querySelector(`button[value="${number}"]`)?.focus();
  }

  async function again() {
    const counts = await load();
    if (!counts) return;
    setText(tabOf("rows"), counts.all ? formatCount(counts.all) : "");
    await compare();
  }

  function lineOf(line) {
    const node = template.cloneNode(true);
    const part = parts(node);
    node.dataset.k = line.mark;
    setText(part.number, formatCount(line.number));
    setText(part.date, line.date);
    setText(part.text, line.text);
    setText(part.note, line.note);
    setText(part.amount, [line.amount, line.amount && line.currency].filter(Boolean).join(" "));
    setText(part.category, line.category);
    setText(part.reason, line.reason);
    const [colour, words] = TAGS[line.mark];
    part.tag.className = `tag ${colour}`;
    setText(part.tag, words);
    if (part.change) part.change.value = line.number;
    setAttr(part.change, "aria-label", `Change row ${line.number}`);
    if (line.seen) {
      const place = line.seen_url ? el("a", { href: line.seen_url }, line.seen) : line.seen;
      part.seen.replaceChildren("Seen in ", place);
    }
    return node;
  }

  /** A file that ended without rows does not promise any. */
  function paint(job) {
    if (group === job.status) return;
    group = job.status;
    const known = Number(filters.querySelector("b").textContent.replaceAll(",", ""));
    setText(empty, noRows(job, known));
  }

  /** Rows are there after they were stored, have categories at the end, and go with an undo. */
  function heard(event, job) {
    if (event.type === "rows_edited") again().catch(tell);
    const done = event.type === "step_completed" ? event.step : event.type;
    const tells = ["storing", "classification", "processing_completed", "job_undone"];
    if (!tells.includes(done) || storedAt === `${done} ${job.attempt}`) return;
    storedAt = `${done} ${job.attempt}`;
    load().then((counts) => {
      if (counts) setText(tabOf("rows"), counts.all ? formatCount(counts.all) : "");
    }).catch(tell);
    if (done === "processing_completed" || done === "job_undone") compare().catch(tell);
  }

  /** What was compared with earlier files; which ones they are, the server renders. */
  async function compare() {
    const delta = await api.delta(jobId);
    compared = true;
    const [sum, more] = byId("delta").children;
    setText(sum, `${plural(delta.new_rows, "new row")}, ${formatCount(delta.existing_rows)} I already know`);
    setText(more, "");
    setText(tabOf("duplicates"), delta.existing_rows ? formatCount(delta.existing_rows) : "");
    const rejected = byId("rejected");
    rejected.hidden = !delta.rejected_rows;
    setText(rejected.querySelector("[data-part=count]"), formatCount(delta.rejected_rows));
  }

  function opened(name) {
    if (!compared || name !== "duplicates") return;
    history.replaceState(true, "");
    location.reload();
  }

  return { paint, heard, opened, show };
}
