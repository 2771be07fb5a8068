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
import { randomKey } from "../../sdk/api.js";
import { checkFiles, createUploader, uploadWords } from "../../sdk/upload.js";
import { createUploads, newBatchId } from "../../sdk/uploads.js";

const REFUSALS_SHOWN = 8;
const RESUMABLE = 8_000_000; // bytes: less is sent again as quickly as it would go on

export function createSending({ list, limits, onArrived }) {
  const uploader = createUploader();
  const uploads = createUploads();

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

  /** Many small files are quickest in one request; large ones each go on where they broke off.
   *  @param {File[]} files */
  function send(files) {
    if (files.reduce((sum, { size }) => sum + size, 0) < RESUMABLE) {
      const name = files.length === 1 ? files[0].name : `${files[0].name} and ${files.length - 1} more`;
      const key = randomKey(); // sent again, it may have arrived before
      watch(name, (onProgress) => uploader.send(files, { onProgress, key }));
      return;
    }
    const batchId = files.length > 1 ? newBatchId() : null;
    for (const file of files) {
      watch(file.name, (onProgress) => uploads.send(file, { batchId, anyBatch: true, onProgress }));
    }
  }

  /** Show an upload until it has arrived.
   *  @param {(onProgress: (progress: any) => void) => {done: Promise<{batch_id: string}>,
   *    cancel?: () => void, abort?: () => void, pause?: () => void, resume?: () => void}} begin */
  function watch(name, begin) {
    const fill = el("i", { data: { s: "running" } });
    const rail = el(
      "div",
      { class: "rail", role: "progressbar", aria: { label: `Sending ${name}`, valuemin: 0, valuemax: 100 } },
      fill,
    );
    const words = el("p", { class: "lab" });
    const stop = button("x", `Stop sending ${name}`, () => (upload.cancel ?? upload.abort)());
    let paused = false;
    const rest = button("pause", `Pause sending ${name}`, () => {
      paused = !paused;
      if (paused) upload.pause();
      else upload.resume();
      rest.firstElementChild.className = paused ? "ic i-play" : "ic i-pause";
      rest.setAttribute("aria-label", `${paused ? "Go on" : "Pause"} sending ${name}`);
    });
    const row = el("li", {}, el("span", { class: "name" }, name), el("div", {}, rail, words), el("div", {}, rest, stop));
    list.prepend(row);
    const upload = begin((progress) => {
      const percent = Math.floor(progress.percent);
      setVar(fill, "--p", `${percent}%`);
      rail.setAttribute("aria-valuenow", String(percent));
      setText(words, uploadWords(progress));
      rest.disabled = progress.state === "queued";
    });
    rest.hidden = !upload.pause;
    upload.done.then(
      (answer) => {
        row.remove();
        onArrived(answer, uploader.active + uploads.active);
      },
      (problem) => {
        row.remove();
        const again = problem.retryable || problem.code === "upload_cut" ? () => watch(name, begin) : null;
        refuse(name, `${problem.title}. ${problem.hint}`, again);
      },
    );
  }

  function refuse(name, why, again = null) {
    const close = button("x", `Dismiss ${name}`, () => row.remove());
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

/** @param {string} sign  @param {string} label  @param {() => void} click */
function button(sign, label, click) {
  return el(
    "button",
    { class: "btn icon quiet", type: "button", aria: { label }, on: { click } },
    el("i", { class: `ic i-${sign}`, aria: { hidden: true } }),
  );
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
