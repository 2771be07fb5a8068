/** Takes files in: by choosing, dropping anywhere on the page, or pasting; shows how far each is.
 *
 *  createDropZone({form, list, limits, uploader, onArrived}) -> {choose()}
 *    list       where uploads under way and refusals are shown
 *    limits     {maxBytes, maxFiles}
 *    onArrived  (answer) once the server has every byte: {batch_id, jobs}
 */

import { el, setText, setVar } from "../core/dom.js";
import { plural } from "../core/format.js";
import { checkFiles, uploadWords } from "../net/upload.js";

const REFUSALS_SHOWN = 8;

export function createDropZone({ form, list, limits, uploader, onArrived }) {
  const input = form.querySelector('input[type="file"]');
  const choose = () => input.click();
  for (const button of document.querySelectorAll('[data-do="choose"]')) {
    button.addEventListener("click", choose);
  }
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    choose();
  });
  followDrags(take);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files);
  });

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
        onArrived(answer);
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

  return { choose };
}

/** @param {(files: File[]) => void} take */
function followDrags(take) {
  const root = document.documentElement;
  let depth = 0;
  const has = (event) => event.dataTransfer?.types.includes("Files");
  const over = (on) => root.classList.toggle("dragging", on);
  addEventListener("dragenter", (event) => {
    if (!has(event)) return;
    depth += 1;
    over(true);
  });
  addEventListener("dragleave", (event) => {
    if (!has(event)) return;
    depth = Math.max(0, depth - 1);
    if (depth === 0) over(false);
  });
  addEventListener("dragover", (event) => has(event) && event.preventDefault());
  addEventListener("drop", async (event) => {
    if (!has(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    take(await filesOf(event.dataTransfer));
  });
}

/** Every file that was dropped, those in folders too.
 *  @param {DataTransfer} data  @returns {Promise<File[]>} */
async function filesOf(data) {
  // entries are only to be had before the event ends
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...data.files];
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
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
