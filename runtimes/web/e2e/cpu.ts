/** Time of the processor that a process and those it started have used. */
import { readdirSync, readFileSync } from "node:fs";

const TICKS = 100; // a second, on Linux

export function cpuSeconds(root: number): number {
  const processes = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // The name of the program, in parentheses, may hold spaces.
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      const ticks = Number(fields[11]) + Number(fields[12]);
      processes.set(Number(name), { parent: Number(fields[1]), ticks });
    } catch {
      // It has ended meanwhile.
    }
  }
  const belongs = (id: number): boolean =>
    id === root || (id > 1 && belongs(processes.get(id)?.parent ?? 0));
  return (
    [...processes].reduce((sum, [id, { ticks }]) => sum + (belongs(id) ? ticks : 0), 0) / TICKS
  );
}
