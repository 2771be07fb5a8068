/** The pages of one's documents that hold what was typed, below the files whose names do. Loaded
 *  when somebody searches for the first time.
 *
 *  createFound({api, box}) -> {look(text)}
 */

import { el, setText } from "../core/dom.js";
import { formatCount } from "../../sdk/format.js";
import { tell } from "./shell.js";

const AFTER_MS = 250; // since the last key
const SHORTEST = 2;

export function createFound({ api, box }) {
  const list = box.querySelector("ul");
  const count = box.querySelector("[data-part=count]");
  let clock = 0;
  let asked = 0;

  function look(text) {
    clearTimeout(clock);
    asked += 1;
    if (text.length < SHORTEST) box.hidden = true;
    else clock = setTimeout(() => ask(text, asked).catch(tell), AFTER_MS);
  }

  /** The answer to the latest question wins. */
  async function ask(text, mine) {
    const { hits } = await api.get(`/search?${new URLSearchParams({ q: text })}`);
    if (mine !== asked) return;
    list.replaceChildren(...hits.map(hitOf));
    setText(count, formatCount(hits.length));
    box.hidden = hits.length === 0;
  }

  return { look };
}

/** @param {Record<string, any>} hit  as the API tells it */
const hitOf = ({ job_id: jobId, filename, page, snippet }) =>
  el(
    "li",
    {},
    el("a", { href: `/jobs/${jobId}?page=${page}#document` }, filename),
    el("small", { class: "dim" }, ` page ${formatCount(page)}`),
    el("p", {}, snippet.map(({ text, found }) => (found ? el("mark", {}, text) : text))),
  );
