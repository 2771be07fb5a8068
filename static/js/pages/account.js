/** The account page, and a share link that was just made: the frame, and what copies a secret. */

import { createShell } from "../ui/shell.js";

createShell();
document.querySelector(".made input, .gate input[readonly]")?.select();
