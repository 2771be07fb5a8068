/** Pages that work by forms alone: the frame, what copies a secret that was just made,
 *  and the account's switch for notifications of this browser. */

import { createShell, memory } from "../ui/shell.js";

createShell();
const here = document.getElementById("here");
if (here) import("../ui/notices.js").then((its) => its.bindSwitch(here, { memory }));
document.querySelector(".made input, .gate input[readonly]")?.select();
