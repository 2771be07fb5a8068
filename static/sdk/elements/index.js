/** Elements that any page can use; importing this makes them known. See docs/javascript.md.
 *
 *  <lt-file-status job="…"> <lt-timeline job="…"> <lt-progress job="…"> <lt-upload>
 */

import { FileStatusElement } from "./file-status.js";
import { ProgressElement } from "./progress.js";
import { TimelineElement } from "./timeline.js";
import { UploadElement } from "./upload.js";

/** @type {[string, CustomElementConstructor][]} */
const ELEMENTS = [
  ["lt-file-status", FileStatusElement],
  ["lt-progress", ProgressElement],
  ["lt-timeline", TimelineElement],
  ["lt-upload", UploadElement],
];
for (const [name, element] of ELEMENTS) {
  if (!customElements.get(name)) customElements.define(name, element);
}

export { FileStatusElement, ProgressElement, TimelineElement, UploadElement };
