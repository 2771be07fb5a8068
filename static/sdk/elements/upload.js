/** <lt-upload>: choose or drop files; each goes on where it broke off, and its way is shown.
 *
 *  Attributes beside those of all: `label`, `multiple` (on unless "false"), `accept`.
 *  Properties: `options` (the batch's), `headers` (what authorises uploads, where no cookie does).
 *  Events, which bubble: `lt-uploaded` {job_id, batch_id, filename}, `lt-completed` and `lt-failed`
 *  {job_id, result | error}, `lt-refused` {filename, code, title, hint}.
 */

import { randomKey } from "../api.js";
import { checkFiles, uploadWords } from "../upload.js";
import { createUploads, newBatchId } from "../uploads.js";
import { given, h, LivetrailElement } from "./base.js";
import { createAnnouncer, createCards } from "./card.js";

export class UploadElement extends LivetrailElement {
  constructor() {
    super();
    /** @type {Record<string, any>} */
    this.options = given(this, "options") ?? {};
    /** @type {Record<string, string>} */
    this.headers = given(this, "headers") ?? {};
    this.uploads = createUploads();
    /** Names of the files that were given here. @type {Map<string, string>} */
    this.mine = new Map();
    /** @type {Map<string, string>} */
    this.told = new Map();
    this.input = /** @type {HTMLInputElement} */ (h("input", { type: "file", class: "vh", tabindex: "-1", "aria-hidden": "true" }));
    this.button = h("button", { type: "button", part: "button" });
    this.drop = h("div", { class: "drop", part: "drop" }, this.button, this.input);
    const list = h("div", { class: "list", part: "list" });
    this.live = h("div", { class: "vh", role: "status" });
    this.refused = h("div", { class: "bad", part: "error", role: "alert" });
    this.root.append(this.drop, this.refused, list, this.live);
    this.show = createCards(list);
    this.announce = createAnnouncer(this.live);
    this.button.addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => {
      this.send([...(this.input.files ?? [])]);
      this.input.value = "";
    });
    for (const name of ["dragenter", "dragover"]) {
      this.drop.addEventListener(name, (event) => {
        event.preventDefault();
        this.drop.dataset.over = "";
      });
    }
    for (const name of ["dragleave", "drop"]) {
      this.drop.addEventListener(name, (event) => {
        event.preventDefault();
        delete this.drop.dataset.over;
      });
    }
    this.drop.addEventListener("drop", (event) => {
      this.send([.../** @type {DragEvent} */ (event).dataTransfer?.files ?? []]);
    });
  }

  connectedCallback() {
    this.button.textContent = this.getAttribute("label") ?? "Choose files, or drop them here";
    this.input.multiple = this.getAttribute("multiple") !== "false";
    this.input.accept = this.getAttribute("accept") ?? "";
    super.connectedCallback();
  }

  /** Give files, as one batch. @param {File[]} files */
  send(files) {
    const { accepted, refused } = checkFiles(files, {
      maxFiles: this.input.multiple ? Infinity : 1,
    });
    this.refused.replaceChildren(...refused.map(({ text }) => h("p", {}, `${text}.`)));
    const batchId = accepted.length > 1 ? newBatchId() : undefined;
    for (const file of accepted) this.sendOne(file, batchId);
  }

  /** @param {File} file  @param {string|undefined} batchId */
  async sendOne(file, batchId) {
    const server = this.getAttribute("server") ?? "";
    const sending = `sending ${randomKey()}`;
    const store = this.member?.store;
    this.mine.set(sending, file.name);
    const facts = { filename: file.name };
    const upload = this.uploads.send(file, {
      server,
      headers: this.headers,
      options: this.options,
      ...(batchId ? { batchId } : {}),
      anyBatch: true,
      onProgress: (progress) =>
        store?.addStep(sending, { step: "sending", message: uploadWords(progress), progress: progress.percent }),
    });
    try {
      const taken = await upload.done;
      this.mine.set(taken.job_id, file.name);
      this.member?.client.follow(`job:${taken.job_id}`, 0);
      this.say("lt-uploaded", { ...taken, ...facts });
    } catch (error) {
      const { code, title, hint } = /** @type {import("../api.js").ProblemError} */ (error);
      this.refused.append(h("p", {}, `${file.name}: ${title}. ${hint}`));
      this.say("lt-refused", { ...facts, code, title, hint });
    } finally {
      this.mine.delete(sending);
      store?.clearStatus(sending);
    }
  }

  get files() {
    const all = this.member?.store.getAllStatuses() ?? [];
    return all.flatMap((file) => {
      const filename = this.mine.get(file.fileId);
      return filename === undefined ? [] : [{ ...file, filename }];
    });
  }

  render() {
    const files = this.files;
    this.show(files);
    this.announce(files);
    for (const { fileId, phase, job } of files) {
      if (this.told.get(fileId) === phase) continue;
      this.told.set(fileId, phase);
      if (phase === "done") this.say("lt-completed", { job_id: fileId, result: job?.result });
      if (phase === "failed") this.say("lt-failed", { job_id: fileId, error: job?.error });
    }
  }

  /** @param {string} name  @param {Record<string, any>} detail */
  say(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
