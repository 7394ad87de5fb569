/** Embeddings of everyday sounds, kept in a bundle for learned labels to be told from. */
import { TinyalmError } from "../errors.js";
import { unitRows } from "../vectors.js";

/** Reads `background.npy`, 8-bit rows of `dim` numbers: (n * dim,), rows of unit length. */
export function readBackground(raw: Uint8Array, label: string, dim: number): Float32Array {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const magic = raw.length > 12 && raw[0] === 0x93 && raw[6] === 1;
  const end = magic ? 10 + view.getUint16(8, true) : 0;
  const header = new TextDecoder("latin1").decode(raw.subarray(10, end));
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header);
  const count = Number(shape?.[1]);
  const plain = /'descr': '\|i1'/.test(header) && /'fortran_order': False/.test(header);
  if (!plain || Number(shape?.[2]) !== dim || raw.length !== end + count * dim) {
    throw new TinyalmError(
      "bad-bundle",
      `${label}: not 8-bit rows of ${dim} numbers; export the bundle again`,
    );
  }
  const rows = new Int8Array(raw.buffer, raw.byteOffset + end, count * dim);
  return unitRows(new Float32Array(rows), dim);
}
