/** The picture of a recording: log-mel above, a lane a label below, time from left to right. */
import type { Segment } from "../../src/index.js";
import { styled } from "./colours.js";

const SOUND = 128; // CSS pixels of height
const LANE = 24;
const INSET = 6;

/** What is drawn; `start` and `end` are the seconds at the canvas's edges. */
export interface Drawing {
  start: number;
  end: number;
  segments: readonly Segment[];
  lanes: readonly string[];
  sound: (context: CanvasRenderingContext2D, width: number, height: number) => void;
}

/** Draws everything, as sharp as the screen is. */
export function draw(canvas: HTMLCanvasElement, drawing: Drawing): void {
  const width = canvas.clientWidth;
  const height = SOUND + LANE * drawing.lanes.length;
  const scale = devicePixelRatio;
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  // Setting a size clears the canvas and costs more than drawing over it.
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (!context || width === 0) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.fillStyle = styled(canvas, "--lane");
  context.fillRect(0, 0, width, height);
  drawing.sound(context, width, SOUND);
  drawLanes(context, canvas, drawing, width);
}

function drawLanes(
  context: CanvasRenderingContext2D,
  canvas: HTMLCanvasElement,
  { start, end, segments, lanes }: Drawing,
  width: number,
): void {
  const bar = styled(canvas, "--bar");
  const ink = styled(canvas, "--ink");
  const halo = styled(canvas, "--lane");
  const at = new Map(lanes.map((label, index) => [label, index]));
  const place = (seconds: number) => ((seconds - start) / (end - start)) * width;
  context.fillStyle = bar;
  segments.forEach((segment, index) => {
    const left = place(segment.start);
    // Windows overlap: each is drawn up to the next one's start.
    const right = place(Math.min(segment.end, segments[index + 1]?.start ?? segment.end));
    for (const { label, score } of segment.tags) {
      const lane = at.get(label);
      if (lane === undefined) continue;
      context.globalAlpha = score;
      context.fillRect(left, SOUND + lane * LANE + 1, Math.max(1, right - left), LANE - 2);
    }
  });
  context.globalAlpha = 1;
  context.font = `13px ${styled(canvas, "--font")}`;
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.fillStyle = ink;
  lanes.forEach((label, lane) => {
    const y = SOUND + (lane + 0.5) * LANE;
    context.strokeText(label, INSET, y);
    context.fillText(label, INSET, y);
  });
}
