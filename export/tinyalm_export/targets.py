"""What 8-bit graphs must be like on each kind of machine: data, read by the quantizer."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Target:
    """How the engines of one kind of machine want 8-bit graphs. Weights are int8 per channel.

    Attributes:
        operators: types that are quantized.
        float_outputs: those of them whose outputs are not rounded.
        float_start: convolutions stay in float up to the first that widens; else the first does.
        signed: activations are int8, else uint8.
        symmetric: activations have no zero point.
        seven_bits: weights keep to 7 bits.
        integer_biases: biases are int32, scaled as the sums that they are added to; else float.
    """

    operators: tuple[str, ...]
    float_outputs: tuple[str, ...]
    float_start: bool
    signed: bool
    symmetric: bool
    seven_bits: bool
    integer_biases: bool


# ONNX Runtime's kernels, and what each machine's own differ in.
# The AVX2 instruction that multiplies unsigned with signed bytes adds pairs of products in 16
# bits and would saturate, so that processors without VNNI would answer differently.
_X86 = Target(
    operators=("Add", "Conv", "Flatten", "Gemm", "GlobalAveragePool", "Relu"),
    float_outputs=("Gemm",),
    float_start=True,
    signed=False,
    symmetric=False,
    seven_bits=True,
    integer_biases=True,
)

TARGETS = {
    "cpu-x86": _X86,
    # SDOT and SMMLA multiply signed with signed bytes and add in 32 bits. Zero points stay, since
    # what follows a ReLU would lose a bit without one.
    "cpu-arm": replace(_X86, signed=True, seven_bits=False),
    # ONNX Runtime's WebAssembly kernels have SIMD code for unsigned activations alone
    # (MlasGemmU8X8DispatchWasmSimd); it adds in 32 bits.
    "web": replace(_X86, seven_bits=False),
    # It takes neither zero points nor 32-bit integers to be dequantized, and fuses what follows a
    # convolution up to the rounding of the next one's input, if nothing is rounded in between.
    "tensorrt": Target(
        operators=("Add", "Conv", "Gemm"),
        float_outputs=("Add", "Conv", "Gemm"),
        float_start=False,
        signed=True,
        symmetric=True,
        seven_bits=False,
        integer_biases=False,
    ),
}
