/** What came of a job, in words and numbers: app/web/rowview.py and views.py in JavaScript. Pure.
 *
 *  facts(job) -> [[name, value]]    the result, in reading order
 *  noRows(job, known) -> what stands in place of the rows; known: how many are stored
 *  undoText(job) -> what an undo would take back, "" when there is nothing
 *
 *  @typedef {import("../../sdk/fold.js").JobState} JobState
 */

import { amountText, formatCount, plural } from "../../sdk/format.js";

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

/** @param {JobState} job */
export function undoText(job) {
  if (job.status !== "completed" || job.undone || job.reported) return "";
  const { new_rows: rows, pages, filled } = job.result ?? {};
  let what = "";
  if (rows) what = `${plural(rows, "row")} that ${job.filename} stored, with their categories`;
  else if (pages) what = `${plural(pages, "page")} of ${job.filename}, with their text and fields`;
  else if (filled?.length) {
    what = `${plural(filled.length, "field")} that ${job.filename} added to the document before it`;
  }
  return what && `This takes back ${what}. The file itself stays here, and you can import it again.`;
}

const FACTS_AT_MOST = 12;
const LONGEST_FACT = 200;

/** The plain values of a result of which nothing is known but that it is JSON. */
const factsOfWorker = (result) =>
  Object.entries(result)
    .filter(([key, value]) => ["string", "number", "boolean"].includes(typeof value) && key !== "summary")
    .slice(0, FACTS_AT_MOST)
    .map(([key, value]) => [`${key[0]?.toUpperCase() ?? ""}${key.slice(1)}`.replaceAll("_", " "), plainText(value)]);

function plainText(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value.slice(0, LONGEST_FACT);
  return Number.isInteger(value) ? formatCount(value) : String(value);
}

const NUMBERS = [
  ["rows", "Rows read"],
  ["new_rows", "New rows stored"],
  ["existing_rows", "Already known"],
  ["rejected", "Could not be read"],
  ["vendors", "Different vendors"],
  ["review", "To check"],
  ["pages", "Pages"],
  ["zones", "Zones"],
];

/** @param {JobState} job  @returns {[string, string][]} */
export function facts(job) {
  const result = (job.undone ? null : job.result) ?? {};
  if (job.reported) return factsOfWorker(result);
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
