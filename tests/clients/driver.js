// What a test says to a program and hears from it: a line of JSON each, over stdin and stdout.
import { createInterface } from "node:readline";

/** Tell the test something. */
export function tell(what) {
  process.stdout.write(JSON.stringify(what) + "\n");
}

/**
 * Do what the test asks for until it hangs up: a line {id, do, with} is answered by
 * {answer: id, value} or {answer: id, error}.
 * @param {Record<string, (options: any) => any>} commands
 */
export function obey(commands) {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const { id, do: name, with: options } = JSON.parse(line);
    try {
      tell({ answer: id, value: (await commands[name](options)) ?? null });
    } catch (error) {
      tell({ answer: id, error: String(error?.message ?? error) });
    }
  });
  lines.on("close", () => process.exit(0));
  process.on("unhandledRejection", (error) => tell({ crashed: String(error?.stack ?? error) }));
  process.on("uncaughtException", (error) => tell({ crashed: String(error?.stack ?? error) }));
  tell({ ready: true });
}
