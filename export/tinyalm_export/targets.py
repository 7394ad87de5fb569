"""What 8-bit graphs must be like on each kind of machine: data, read by the quantizer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """How the engines of one kind of machine want 8-bit graphs. Weights are int8 per channel.

    Attributes:
        operators: types that are quantized.
        float_outputs: those of them whose outputs are not rounded.
        signed: activations are int8 around 0, without a zero point; else uint8 with one.
        seven_bits: weights keep to 7 bits.
        integer_biases: biases are int32, scaled as the sums that they are added to; else float.
    """

    operators: tuple[str, ...]
    float_outputs: tuple[str, ...]
    signed: bool
    seven_bits: bool
    integer_biases: bool


TARGETS = {
    # The AVX2 instruction that multiplies unsigned with signed bytes adds pairs of products in 16
    # bits and would saturate, so that processors without VNNI would answer differently.
    "cpu-x86": Target(
        operators=("Add", "Conv", "Flatten", "Gemm", "GlobalAveragePool", "Relu"),
        float_outputs=("Gemm",),
        signed=False,
        seven_bits=True,
        integer_biases=True,
    ),
    # It takes neither zero points nor 32-bit integers to be dequantized, and fuses what follows a
    # convolution up to the rounding of the next one's input, if nothing is rounded in between.
    "tensorrt": Target(
        operators=("Add", "Conv", "Gemm"),
        float_outputs=("Add", "Conv", "Gemm"),
        signed=True,
        seven_bits=False,
        integer_biases=False,
    ),
}
