/** Asks for exports and says when they are there; loaded when somebody asks for the first.
 *
 *  createExports(api) -> {ask(form)}
 *    form   job_id or batch_id, format, content; what is made is listed in its box
 */

import { el, setText } from "../core/dom.js";
import { formatBytes, plural } from "../../sdk/format.js";
import { tell, toast } from "./shell.js";

const LOOK_MS = 700;
const LONGEST_LOOK_MS = 5000;

export function createExports(api) {
  async function ask(form) {
    const wish = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
    const made = await api.post("/exports", wish);
    const box = form.closest(".exports");
    const line = box?.querySelector("ul");
    const node = el("li", { role: "status" });
    paint(node, made);
    line?.prepend(node);
    follow(made, node).catch(tell);
  }

  /** Look until the file is there; a large one is looked for more seldom. No answer is no end. */
  async function follow(one, node) {
    for (let wait = LOOK_MS; one.state === "pending" || one.state === "running"; wait *= 1.2) {
      await new Promise((done) => setTimeout(done, Math.min(wait, LONGEST_LOOK_MS)));
      try {
        one = await api.get(`/exports/${one.export_id}`);
      } catch (problem) {
        if (!problem.retryable) throw problem;
      }
      paint(node, one);
    }
    if (one.state === "failed") return toast(`${one.error.title}. ${one.error.hint}`, { alert: true });
    toast(`${one.filename} is ready`, {
      action: "Download",
      run: () => location.assign(one.links.file),
    });
  }

  return { ask };
}

/** @param {HTMLElement} node  @param {Record<string, any>} one  as the API tells an export */
function paint(node, one) {
  const name = one.links.file
    ? el("a", { href: one.links.file, download: one.filename }, one.filename)
    : el("span", {}, one.filename);
  const about = el("small", { class: "dim" });
  setText(about, exportWords(one));
  node.replaceChildren(name, " ", about);
}

/** app/web/exportview.py's twin. @param {Record<string, any>} one */
export function exportWords({ state, rows, size, error }) {
  if (state === "failed") return error?.title ?? "It could not be made";
  if (state !== "completed") return state === "running" ? "is being made..." : "waits for its turn";
  return `${plural(rows ?? 0, "row")} · ${formatBytes(size ?? 0)}`;
}
