/** Sends files to the server and shows how far each request is; loaded when the first files come.
 *
 *  createSending({list, limits, onArrived}) -> {take(files), takeAll(entries)}
 *    list       where uploads under way and refusals are shown
 *    limits     {maxBytes, maxFiles}
 *    onArrived  (answer, active) once the server has every byte: {batch_id, jobs}; active: requests
 *               that are still under way
 *    takeAll    what was dropped, every file in folders too
 */

import { el, setText, setVar } from "../core/dom.js";
import { plural } from "../../sdk/format.js";
import { checkFiles, createUploader, uploadWords } from "../../sdk/upload.js";

const REFUSALS_SHOWN = 8;

export function createSending({ list, limits, onArrived }) {
  const uploader = createUploader();

  /** @param {File[]} files */
  function take(files) {
    if (files.length === 0) return;
    const { accepted, refused } = checkFiles(files, limits);
    for (const one of refused.slice(0, REFUSALS_SHOWN)) refuse(one.file.name, `${one.text}.`);
    if (refused.length > REFUSALS_SHOWN) {
      refuse(plural(refused.length - REFUSALS_SHOWN, "more file"), "They were left out too.");
    }
    if (accepted.length) send(accepted);
  }

  /** @param {File[]} files */
  function send(files) {
    const name = files.length === 1 ? files[0].name : `${files[0].name} and ${files.length - 1} more`;
    const fill = el("i", { data: { s: "running" } });
    const rail = el(
      "div",
      { class: "rail", role: "progressbar", aria: { label: `Sending ${name}`, valuemin: 0, valuemax: 100 } },
      fill,
    );
    const words = el("p", { class: "lab" });
    const stop = el(
      "button",
      { class: "btn icon quiet", type: "button", aria: { label: `Stop sending ${name}` } },
      el("i", { class: "ic i-x", aria: { hidden: true } }),
    );
    const row = el("li", {}, el("span", { class: "name" }, name), el("div", {}, rail, words), stop);
    list.prepend(row);
    const upload = uploader.send(files, {
      onProgress(progress) {
        const percent = Math.floor(progress.percent);
        setVar(fill, "--p", `${percent}%`);
        rail.setAttribute("aria-valuenow", String(percent));
        setText(words, uploadWords(progress));
      },
    });
    stop.addEventListener("click", () => upload.cancel());
    upload.done.then(
      (answer) => {
        row.remove();
        onArrived(answer, uploader.active);
      },
      (problem) => {
        row.remove();
        const again = problem.retryable || problem.code === "upload_cut" ? () => send(files) : null;
        refuse(name, `${problem.title}. ${problem.hint}`, again);
      },
    );
  }

  function refuse(name, why, again = null) {
    const cross = el("i", { class: "ic i-x", aria: { hidden: true } });
    const close = el(
      "button",
      { class: "btn icon quiet", type: "button", aria: { label: `Dismiss ${name}` }, on: { click: () => row.remove() } },
      cross,
    );
    const repeat = again
      ? el("button", { class: "btn", type: "button", on: { click: () => (row.remove(), again()) } }, "Send again")
      : el("span", { class: "st", data: { s: "fail" } }, "Not sent");
    const row = el(
      "li",
      { data: { s: "fail" }, role: "alert" },
      el("span", { class: "name" }, name),
      repeat,
      close,
      el("p", { class: "why" }, why),
    );
    list.prepend(row);
  }

  return {
    take,
    /** @param {FileSystemEntry[]} entries */
    async takeAll(entries) {
      const found = [];
      for (const entry of entries) await walk(entry, found);
      take(found);
    },
  };
}

async function walk(entry, found) {
  if (entry.isFile) {
    found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const one of some) await walk(one, found);
  }
}
