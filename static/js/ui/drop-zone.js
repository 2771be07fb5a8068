/** Takes files in: by choosing, dropping anywhere on the page, or pasting.
 *
 *  createDropZone(form, sending) -> {choose()}
 *    sending    () => promise of what takes them: see sending.js
 */

import { tell } from "./shell.js";

export function createDropZone(form, sending) {
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
  followDrags(sending);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files);
  });

  /** @param {File[]} files */
  async function take(files) {
    if (files.length) await sending().then((its) => its.take(files), tell);
  }

  return { choose };
}

function followDrags(sending) {
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
    // what was dropped is only to be had before the event ends
    const { items } = event.dataTransfer;
    const files = [...event.dataTransfer.files];
    const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const folders = entries.some((entry) => entry.isDirectory);
    await sending().then((its) => (folders ? its.takeAll(entries) : its.take(files)), tell);
  });
}
