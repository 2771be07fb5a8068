/** Pages that work by forms alone: the frame, and what copies a secret that was just made. */

import { createShell } from "../ui/shell.js";

createShell();
document.querySelector(".made input, .gate input[readonly]")?.select();
