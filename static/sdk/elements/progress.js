/** <lt-progress job="…"> or batch: one bar, and the friendly sentence below it. */

import { plural } from "../format.js";
import { createBar, h, LivetrailElement } from "./base.js";
import { signOf } from "./file-status.js";

export class ProgressElement extends LivetrailElement {
  constructor() {
    super();
    const { bar, update } = createBar();
    this.fill = update;
    this.message = h("p", { part: "message" });
    this.percent = h("span", { class: "dim", part: "percent" });
    this.body = h("div", {}, bar, h("div", { class: "head" }, this.message, this.percent));
    this.root.append(this.body);
  }

  render() {
    const files = this.files;
    if (files.length === 0) {
      this.message.textContent = signOf(this.member?.state, 0);
      return;
    }
    // of a batch: the mean, and the newest sentence
    const newest = files.reduce((one, other) => (other.seq > one.seq ? other : one));
    const mean = files.reduce((sum, file) => sum + file.overallProgress, 0) / files.length;
    this.body.dataset.phase = newest.phase;
    this.message.textContent = newest.message;
    this.percent.textContent = `${Math.round(mean)}%`;
    this.fill({ ...newest, overallProgress: mean }, files.length > 1 ? plural(files.length, "file") : newest.filename);
  }
}
