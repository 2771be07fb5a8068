/** What was read, in numbers and row by row; app/web/rowview.py in JavaScript.
 *
 *  createRowsTable({jobId, api, jobOf, names?}) -> {load(), show(state), open}
 *     jobOf   () => the job's state, or undefined
 *     names   job id -> filename, for the files in which known rows were seen
 *  pure
 *  tableRow(row, names) -> what the table shows of a stored row
 *  facts(job) -> [[name, value]]    the result, in reading order
 *  noRows(job, known) -> what stands in place of the rows; known: how many are stored
 *  undoText(job) -> what an undo would take back, "" when there is nothing
 *  amountText("-1234.50") -> "-1,234.50"
 *
 *  @typedef {import("../core/fold.js").JobState} JobState
 */

import { el, parts, setAttr, setText } from "../core/dom.js";
import { formatCount, plural } from "../core/format.js";

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

/** @param {JobState} job  @param {number} known */
export function noRows(job, known) {
  if (known) return "No rows of this kind.";
  if (job.undone) return "Nothing of this file is stored any more.";
  if (job.result?.duplicate_of) return "Its rows are with the file I processed before.";
  const ended = job.status === "error" || job.status === "cancelled";
  return ended
    ? "Nothing of this file was stored."
    : "Rows appear here as soon as they are stored.";
}

export function createRowsTable({ jobId, api, jobOf, names = new Map() }) {
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

  filters.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(link.dataset.state);
  });
  pager.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    page += Number(link.dataset.step);
    load().then(() => byId("rows").scrollIntoView({ block: "start" }));
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
    if (line.seen) {
      const place = line.seen_url ? el("a", { href: line.seen_url }, line.seen) : line.seen;
      part.seen.replaceChildren("Seen in ", place);
    }
    return node;
  }

  return { load, show };
}

/** @param {JobState} job */
export function undoText(job) {
  const stored = job.result?.new_rows || job.result?.stored;
  if (job.status !== "completed" || job.undone || !stored) return "";
  return (
    `This takes back ${plural(stored, "row")} that ${job.filename} stored, with their categories.` +
    " The file itself stays here, and you can import it again."
  );
}

/** @param {string|null} amount  a decimal string */
export function amountText(amount) {
  if (!amount) return "";
  const [, sign, whole, rest] = /^(-?)(\d*)(.*)$/.exec(amount);
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + rest;
}

const NUMBERS = [
  ["rows", "Rows read"],
  ["new_rows", "New rows stored"],
  ["existing_rows", "Already known"],
  ["rejected", "Could not be read"],
  ["vendors", "Different payees"],
  ["review", "To check"],
];

/** @param {JobState} job  @returns {[string, string][]} */
export function facts(job) {
  const result = (job.undone ? null : job.result) ?? {};
  const found = [];
  const kind = result.document_type || job.document_type;
  const platform = result.platform || job.platform;
  if (kind) found.push(["Kind", String(kind)]);
  if (platform) found.push(["From", String(platform)]);
  const { first_date: first, last_date: last } = result;
  if (first && last) found.push(["Period", first === last ? first : `${first} to ${last}`]);
  for (const money of result.by_currency ?? []) {
    for (const [key, label] of [
      ["income", "Money in"],
      ["spending", "Money out"],
    ]) {
      if (money[key]) {
        found.push([label, `${amountText(String(money[key]))} ${money.currency ?? ""}`.trim()]);
      }
    }
  }
  for (const [key, label] of NUMBERS) {
    if (Number.isInteger(result[key]) && (result[key] || key === "new_rows")) {
      found.push([label, formatCount(result[key])]);
    }
  }
  return found;
}
