/** <lt-timeline job="…">: the stages of one file, with what was said in each. */

import { formatDuration } from "../format.js";
import { h, LivetrailElement } from "./base.js";
import { signOf } from "./file-status.js";

/** @type {Record<string, [string, string]>} */
const SIGNS = {
  waiting: ["○", "to come"],
  running: ["◐", "in progress"],
  done: ["●", "done"],
  failed: ["✕", "failed"],
  skipped: ["–", "left out"],
};

export class TimelineElement extends LivetrailElement {
  constructor() {
    super();
    this.title_ = h("p", { class: "name", part: "name" });
    this.list = h("ol", { part: "stages" });
    this.root.append(h("div", { class: "card", part: "card" }, this.title_, this.list));
  }

  render() {
    const file = this.file;
    this.title_.textContent = file?.filename ?? signOf(this.member?.state, 0);
    this.list.replaceChildren(
      ...(file?.stages ?? []).map((stage) => {
        const [sign, words] = SIGNS[stage.state] ?? SIGNS.waiting;
        const said = file?.steps.filter((step) => step.extra?.stage === stage.key) ?? [];
        const took =
          stage.started_at && stage.ended_at
            ? formatDuration(Date.parse(stage.ended_at) - Date.parse(stage.started_at))
            : "";
        return h(
          "li",
          { part: "stage", "data-state": stage.state },
          h("span", { "aria-hidden": "true" }, sign),
          h("b", {}, stage.label, h("span", { class: "vh" }, `, ${words}`)),
          h("span", { class: "dim" }, took),
          h("small", {}, stage.summary || (said.at(-1)?.message ?? "")),
        );
      }),
    );
  }
}
