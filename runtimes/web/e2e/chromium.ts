/** Chromium without a window, with a WAV as its microphone, and a witness of foreign requests. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, launch } from "puppeteer-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** Whom Chromium itself asks for updates and the like, whatever page it shows. */
const OWN = [
  "accounts.google.com",
  "clients2.google.com",
  "content-autofill.googleapis.com",
  "optimizationguide-pa.googleapis.com",
  "redirector.gvt1.com",
  "update.googleapis.com",
];

export interface Witnessed {
  browser: Browser;
  /** Hosts other than this machine that anything in the browser tried to reach. */
  foreign: string[];
  close(): Promise<void>;
}

/**
 * @param wav what the microphone hears, over and over; undefined: there is no microphone.
 * @param permitted whether every page may hear it; else the browser's permissions decide.
 */
export async function startChromium(wav: string | undefined, permitted = true): Promise<Witnessed> {
  const foreign: string[] = [];
  // All but this machine is asked of a proxy, whoever in the browser asks.
  const note = (host: string) => {
    if (!OWN.includes(host)) foreign.push(host);
  };
  const witness = createServer((asked, answer) => {
    note(new URL(asked.url ?? "").hostname);
    answer.writeHead(502).end();
  });
  witness.on("connect", (asked, socket) => {
    note((asked.url ?? "").replace(/:\d+$/, ""));
    socket.end();
  });
  await once(witness.listen(0, "127.0.0.1"), "listening");
  const { port } = witness.address() as AddressInfo;
  const root = process.getuid?.() === 0; // whom Chromium's sandbox refuses
  const browser = await launch({
    executablePath: CHROMIUM,
    args: [
      ...(root ? ["--no-sandbox"] : []),
      `--proxy-server=127.0.0.1:${port}`,
      ...(wav === undefined ? [] : microphone(wav)),
      ...(permitted ? ["--use-fake-ui-for-media-stream"] : []),
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  return {
    browser,
    foreign,
    close: async () => {
      await browser.close();
      witness.closeAllConnections();
      witness.close();
    },
  };
}

function microphone(wav: string): string[] {
  return ["--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${wav}`];
}
