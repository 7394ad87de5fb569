/** From a query's embedding to moments in recordings. */
import type { Hit, WindowEmbeddings } from "./api.js";
import { probability, type Scale } from "./scoring.js";
import { cosines, ranked } from "./vectors.js";

/**
 * The moments nearest to a query, best first: windows that overlap no better one of their
 * recording.
 *
 * @param query (dim,) unit length.
 */
export function moments(
  query: Float32Array,
  recordings: readonly WindowEmbeddings[],
  topK: number,
  calibration: Scale,
): Hit[] {
  const all = recordings.flatMap((windows, recording) =>
    Array.from(
      cosines(windows.embeddings, query),
      (similarity, at): Hit => ({
        recording,
        start: windows.startS[at] as number,
        end: windows.endS[at] as number,
        similarity,
        score: probability(similarity, calibration),
      }),
    ),
  );
  const hits: Hit[] = [];
  for (const at of ranked(all.map(({ similarity }) => similarity))) {
    const one = all[at] as Hit;
    const overlaps = hits.some(
      (hit) => hit.recording === one.recording && one.start < hit.end && hit.start < one.end,
    );
    if (!overlaps) hits.push(one);
    if (hits.length === topK) break;
  }
  return hits;
}
