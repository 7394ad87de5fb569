/** Messages to whoever looks at the page: each stays until it is closed. */
import { button, byId, make, reasonOf } from "./dom.js";

const list = byId("notices", HTMLElement);

/** Shows a message; one that is shown already is not shown twice. */
export function notice(message: string, kind: "error" | "note" = "error"): void {
  const shown = [...list.children].some((one) => one.firstChild?.textContent === message);
  if (shown) return;
  const item = make("p", { className: kind }, make("span", {}, message));
  item.append(button("×", () => item.remove(), "Close this message"));
  list.append(item);
}

/** Runs something, and shows what goes wrong. */
export async function shown(work: () => Promise<void>, where = ""): Promise<void> {
  try {
    await work();
  } catch (error) {
    notice(where ? `${where}: ${reasonOf(error)}` : reasonOf(error));
  }
}
