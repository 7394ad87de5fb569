"""An index as a Parquet file, for tools that are made for more than one device holds."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyalm.errors import MissingExtraError
from tinyalm.extras import pip_command
from tinyalm.index.quantization import to_float
from tinyalm.index.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP = 8192


def export(store: Store, path: Path) -> int:
    """Write all segments of ``store`` to ``path``, whole or not at all; returns how many."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MissingExtraError(f"exporting an index needs: {pip_command('parquet')}") from None
    schema = _schema(pa, store)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    last = count = 0
    try:
        with parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
            while rows := store.export_rows(last, _ROW_GROUP):
                writer.write_table(_table(pa, schema, store, rows))
                last, count = rows[-1][0], count + len(rows)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _schema(pa: Any, store: Store) -> "pa.Schema":  # noqa: ANN401 - the module pyarrow
    made_by = store.identity
    metadata = {
        "bundle": made_by.bundle,
        "audio_sha256": made_by.audio_sha256,
        "residual_sha256": made_by.residual_sha256 or "",
    }
    return pa.schema(
        [
            ("file", pa.string()),
            ("start", pa.float64()),
            ("end", pa.float64()),
            ("duration", pa.float64()),
            ("modified", pa.timestamp("us", tz="UTC")),
            ("sha256", pa.string()),
            ("embedding", pa.list_(pa.float32(), made_by.embedding_dim)),
        ],
        metadata={f"tinyalm.{key}": value for key, value in metadata.items()},
    )


def _table(pa: Any, schema: "pa.Schema", store: Store, rows: list[tuple[Any, ...]]) -> "pa.Table":  # noqa: ANN401
    _, paths, starts, ends, durations, modified, hashes, blobs = zip(*rows, strict=True)
    embeddings = pa.array(to_float(store.matrix(blobs)).ravel())
    columns = [
        paths,
        starts,
        ends,
        durations,
        [nanoseconds // 1000 for nanoseconds in modified],
        [digest.hex() for digest in hashes],
    ]
    arrays = [pa.array(c, field.type) for c, field in zip(columns, schema, strict=False)]
    arrays.append(pa.FixedSizeListArray.from_arrays(embeddings, store.identity.embedding_dim))
    return pa.Table.from_arrays(arrays, schema=schema)
