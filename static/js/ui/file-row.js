/** One file in the list: remembers its parts, writes only what changed.
 *
 *  bindRow(node, blank?) -> row      takes over a row that the server rendered, or a clone of `blank`,
 *                                    from which it takes what the server left out
 *  paintRow(row, view)               view: see job-view.js
 *  paintHead(parts, view)            what rows and the job's own page share: rail, tags, failure
 */

import { el, parts, setAttr, setHidden, setText, setVar } from "../core/dom.js";
import { formatClock } from "../../sdk/format.js";

/** @typedef {{node: HTMLElement, blank?: Element, parts: Record<string, HTMLElement>, time: HTMLTimeElement|null,
 *   rail: HTMLElement[], tags: string, at: string}} Row */

/** @param {HTMLElement} node  @param {Element} [blank]  @returns {Row} */
export function bindRow(node, blank) {
  const found = parts(node);
  return {
    node,
    blank,
    parts: found,
    time: found.when?.parentElement.querySelector("time") ?? null,
    rail: [...(found.rail?.children ?? [])],
    tags: found.tags?.textContent ?? "",
    at: "",
  };
}

/** @param {Row} row  @param {import("./job-view.js").View} view */
export function paintRow(row, view) {
  const { node, parts: part } = row;
  setAttr(node, "data-s", view.state);
  setAttr(node, "data-group", view.group);
  setAttr(node, "data-slim", view.slim);
  if (part.name.getAttribute("href") !== `/jobs/${view.job_id}`) identify(row, view);
  setText(part.meta, view.meta);
  setText(part.message, view.message);
  setText(part.stage, view.stage);
  setText(part.count, view.count);
  setText(part.percent, `${view.percent}%`);
  setText(part.summary, view.summary);
  paintWhen(row, view);
  paintHead(row, view);
  if (view.can_cancel && !part.cancel) complete(row, view, "cancel", (form) => part.go.before(form));
  setHidden(part.cancel, !view.can_cancel, part.name);
}

/** Take a part that the server left out from the blank row; what that lacks is not for this reader. */
function complete(row, view, name, place) {
  const node = row.blank.querySelector(`[data-part="${name}"]`)?.cloneNode(true);
  if (!node) return;
  place(node);
  Object.assign(row.parts, parts(node), { [name]: node });
  identify(row, view);
}

/** What stays as it is for a file's life. */
function identify(row, view) {
  const { parts: part } = row;
  const url = `/jobs/${view.job_id}`;
  setText(part.name, view.name);
  setAttr(part.name, "href", url);
  setText(part.kind, view.kind);
  setAttr(part.go, "href", url);
  setAttr(part.go, "aria-label", `Open ${view.name}`);
  setAttr(part.rail, "aria-label", `Progress of ${view.name}`);
  setAttr(part.cancel, "action", `${url}/cancel`);
  setAttr(part["cancel-button"], "aria-label", `Cancel ${view.name}`);
  setAttr(part["retry-form"], "action", `${url}/retry`);
  setText(part.job, view.job_id);
  setText(part.dismissed, view.name);
}

function paintWhen(row, view) {
  setText(row.parts.when, view.when);
  if (row.at === view.at) return;
  row.at = view.at;
  row.time.hidden = !view.at;
  setAttr(row.time, "datetime", view.at || null);
  setText(row.time, view.at ? formatClock(view.at) : "");
}

/** @param {Row} row  @param {import("./job-view.js").View} view */
export function paintHead(row, view) {
  paintRail(row, view);
  paintTags(row, view);
  if (view.failure && !row.parts.more) complete(row, view, "more", (card) => row.node.append(card));
  if (row.parts.more) paintFailure(row.parts, view.failure);
}

function paintRail(row, view) {
  const { rail } = row.parts;
  setAttr(rail, "data-s", view.state);
  setAttr(rail, "aria-valuenow", view.percent);
  setAttr(rail, "aria-valuetext", view.spoken);
  if (row.rail.length !== view.segments.length) {
    row.rail = view.segments.map(() => el("i"));
    rail.replaceChildren(...row.rail);
  }
  view.segments.forEach((segment, at) => {
    const node = row.rail[at];
    setAttr(node, "data-s", segment.state);
    setVar(node, "--w", segment.weight);
    setVar(node, "--p", `${segment.fill}%`);
  });
}

function paintTags(row, view) {
  const text = view.tags.map((tag) => tag.join(" ")).join(",");
  if (row.tags === text) return;
  row.tags = text;
  const tags = view.tags.map(([colour, words]) => el("span", { class: `tag ${colour}` }, words));
  row.parts.tags.replaceChildren(...tags.flatMap((tag) => [tag, " "]));
}

function paintFailure(part, failure) {
  setHidden(part.more, failure === null, part.name);
  if (failure === null) return;
  setText(part.title, failure.title);
  setText(part.kept, failure.kept);
  setText(part.hint, failure.hint);
  setText(part.code, failure.code);
  setText(part.retry, failure.retry);
  setHidden(part["retry-form"], !failure.retry, part.name);
}
