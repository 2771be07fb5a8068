/** <lt-file-status job="…"> or <lt-file-status batch="…">: every file of it, as a card. */

import { h, LivetrailElement } from "./base.js";
import { createAnnouncer, createCards } from "./card.js";

export class FileStatusElement extends LivetrailElement {
  constructor() {
    super();
    const list = h("div", { class: "list", part: "list" });
    const live = h("div", { class: "vh", role: "status" });
    this.sign = h("small", { part: "connection" });
    this.root.append(list, this.sign, live);
    this.show = createCards(list);
    this.announce = createAnnouncer(live);
  }

  render() {
    const files = this.files;
    this.show(files);
    this.announce(files);
    this.sign.textContent = signOf(this.member?.state, files.length);
  }
}

/** @param {import("../types.js").ConnectionState|undefined} state  @param {number} files */
export function signOf(state, files) {
  if (state?.name === "signedOut") return "Not allowed, or not there";
  if (state?.name === "offline" || state?.name === "reconnecting") return "Connecting again…";
  return files === 0 ? "Nothing to show yet" : "";
}
