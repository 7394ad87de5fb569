"""What TensorRT's parser and builder say, as one line with the node's name and the remedy."""

import re
from collections.abc import Sequence
from typing import Any

# What a message holds, and what to change; the first that fits counts.
_REMEDIES = (
    (
        r"input has type Int32|[Aa]symmetric|zero.?point|UINT8|uint8",
        "in TensorRT int8 is symmetric and biases are float: export with --to tensorrt",
    ),
    (
        r"Quantized constant",
        "8-bit weights must go through DequantizeLinear: export with --to tensorrt",
    ),
    (
        r"[Nn]o importer|UNSUPPORTED_NODE|Unsupported|unsupported|[Pp]lugin not found|creator",
        "write it with operators that TensorRT has, or leave it to another engine",
    ),
    (r"Turing|SM75", "build for sm75 with --precision fp16, or leave sm75 out"),
    (r"[Aa]xis|[Aa]xes|rank", "correct its axis and export again"),
    (r"profile|[Dd]imension|shape", "give a profile that the graph can compute"),
    (r"[Oo]ut of memory|OOM|[Mm]emory", "give a smaller --max-batch or --max-seconds"),
    (r"Cuda|CUDA|driver", "name the GPUs, as in --gpu sm86,sm89, where there is no driver"),
)
# Consequences of there being no GPU, which are no reason where engines are built without one.
_NOISE = re.compile(r"cudaError 35|ScopedCudaStream|catchCudaError")
_PREFIX = re.compile(r"^.*?Error Code \d+: (?:API Usage Error|Internal Error|Myelin)?\s*")
_PLACE = re.compile(r"\s*In \w+ at /_src/\S+")
_ASSERTION = re.compile(r'^.*&& "(.*)"$')  # of the parser's own source
_NODE = re.compile(r"'([^']+)'|\(([\w./:-]+): |Node: ([\w./:-]+)")


def parser_reason(parser: Any) -> str:  # noqa: ANN401 - TensorRT's parser
    """Why ``parser`` refused a graph: the node, what is wrong with it, and what to change."""
    error = parser.get_error(0)
    lines = [_clean(line) for line in error.desc().splitlines()]
    said = [line for line in lines if line not in ("", "false") and not _NOISE.search(line)]
    # The first line only repeats the node's name where others follow.
    reason = ": ".join(said[1:] or said) or error.code().name.lower().replace("_", " ")
    inside = "".join(f" in {scope}" for scope in error.local_function_stack())
    node = f"node {error.node_name() or error.node()} ({error.node_operator()}){inside}"
    return f"{node}: {reason}; {_remedy(error.code().name + ' ' + error.desc())}"


def builder_reason(log: Sequence[str]) -> str:
    """Why the builder refused a network, from the errors that it logged."""
    said = [line for line in log if not _NOISE.search(line)] or list(log) or ["no reason given"]
    node = _NODE.search(said[0])
    where = f"node {next(filter(None, node.groups()))}: " if node else ""
    return f"{where}{_clean(said[0])}; {_remedy(said[0])}"


def _clean(line: str) -> str:
    plain = _PLACE.sub("", _PREFIX.sub("", " ".join(line.split()))).strip(" .()")
    return _ASSERTION.sub(r"\1", plain)


def _remedy(text: str) -> str:
    return next((what for pattern, what in _REMEDIES if re.search(pattern, text)), _OTHER)


_OTHER = "change that node, or leave this graph to another engine"
