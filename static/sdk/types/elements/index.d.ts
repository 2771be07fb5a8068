/** Elements that any page can use; importing this makes them known. See docs/javascript.md.
 *
 *  <lt-file-status job="…"> <lt-timeline job="…"> <lt-progress job="…"> <lt-upload>
 */
import { FileStatusElement } from "./file-status.js";
import { ProgressElement } from "./progress.js";
import { TimelineElement } from "./timeline.js";
import { UploadElement } from "./upload.js";
export { FileStatusElement, ProgressElement, TimelineElement, UploadElement };
