// The kernel of one level; the file that includes it defines LANES and LEVEL.
//
// It uses nothing of the standard library: a function of it that is compiled here for a newer
// processor could be taken by the linker for all.
#pragma once

#include "fft.h"

namespace tinyalm {
namespace {

void mels(const Tables& t, const float* power, float* mel) {
  const float* weights = t.weights;
  for (int m = 0; m < t.n_mels; ++m) {
    const Floats* bins = reinterpret_cast<const Floats*>(power) + t.bands[2 * m];
    const float* end = weights + t.bands[2 * m + 1];
    Floats even = {}, odd = {};  // two sums: half the rounding of a wide band
    for (; weights < end; weights += kBinsAtOnce, bins += kBinsAtOnce) {
      even += bins[0] * weights[0];
      odd += bins[1] * weights[1];
      even += bins[2] * weights[2];
      odd += bins[3] * weights[3];
    }
    reinterpret_cast<Floats*>(mel)[m] = even + odd;
  }
}

// The natural logarithm of positive normal numbers, to 3e-7 of the answer: exponent, and
// log(1 + f) = f - f^2/2 + f^3 P(f) with a minimax P for sqrt(1/2) - 1 <= f < sqrt(2) - 1.
// NaN and infinity stay what they are.
INLINE WideFloats logarithm(WideFloats x) {
  const WideInts bits = reinterpret_cast<WideInts>(x);
  const WideInts exponent = (bits - 0x3f3504f3) >> 23;  // the bits of sqrt(1/2)
  const WideFloats f = reinterpret_cast<WideFloats>(bits - (exponent << 23)) - 1.0f;
  const WideFloats e = __builtin_convertvector(exponent, WideFloats);
  const WideFloats f2 = f * f, f4 = f2 * f2;
  const WideFloats low =
      (f * -0.25000809f + 0.3333331673f) + f2 * (f * -0.166245962f + 0.2000228599f);
  const WideFloats high =
      (f * -0.1312840344f + 0.1418121369f) + f2 * (f * -0.07860210892f + 0.1288140619f);
  const WideFloats tail = f2 * f * (low + f4 * high) - f2 * 0.5f;
  // ln 2 in two parts, of which the first times any exponent is exact.
  const WideFloats y = e * 0.693359375f + (f + (tail + e * -2.12194440e-4f));
  return (x - x == 0.0f) ? y : x;
}

INLINE void log_row(const Tables& t, WideFloats& row) {
  WideFloats level = row;
  level = (level < t.log_floor) ? WideFloats{} + t.log_floor : level;
  row = logarithm(level + t.log_offset) * t.log_scale + t.log_shift;
}

void logarithms(const Tables& t, float* mel) {
  WideFloats* rows = reinterpret_cast<WideFloats*>(mel);
  const int count = (t.n_mels + 1) / 2;  // the last one may reach into the spare room
  int i = 0;
  for (; i + 1 < count; i += 2) {  // two at once fill each other's waiting time
    WideFloats a = rows[i], b = rows[i + 1];
    log_row(t, a), log_row(t, b);
    rows[i] = a, rows[i + 1] = b;
  }
  if (i < count) log_row(t, rows[i]);
}

INLINE float larger(float a, float b) { return b > a ? b : a; }

// Rows of lanes to rows of bands.
template <typename Value>
INLINE void store(const Tables& t, const float* mel, int count, Value* frames) {
  for (int lane = 0; lane < count; ++lane)
    for (int m = 0; m < t.n_mels; ++m)
      frames[lane * t.n_mels + m] = static_cast<Value>(mel[m * LANES + lane]);
}

INLINE void store(const Tables& t, const float* mel, int count, float* frames) {
  const int stride = t.n_mels;
  int m = 0;
  for (; m + LANES <= stride; m += LANES) {
    Floats block[LANES];
    UNROLL
    for (int i = 0; i < LANES; ++i) block[i] = reinterpret_cast<const Floats*>(mel)[m + i];
    transpose(block);
    for (int lane = 0; lane < count; ++lane)
      *reinterpret_cast<LooseFloats*>(frames + lane * stride + m) = block[lane];
  }
  for (; m < stride; ++m)
    for (int lane = 0; lane < count; ++lane) frames[lane * stride + m] = mel[m * LANES + lane];
}

// round(value / scale) + zero_point, saturated, in place: then a conversion is all that is left.
void quantize(const Tables& t, const Output& out, float least, float* mel) {
  constexpr float round = 12582912.0f;  // added and taken away it leaves no fraction, half to even
  const float low = least - out.zero_point, high = low + 255.0f;
  for (int i = 0; i < t.n_mels * LANES; i += 2 * LANES) {
    WideFloats& row = *reinterpret_cast<WideFloats*>(mel + i);
    WideFloats level = row / out.scale;
    level = (level > low) ? level : WideFloats{} + low;
    level = (level < high) ? level : WideFloats{} + high;
    row = ((level + round) - round) + out.zero_point;
  }
}

float tile(const Tables& t, const Scratch& scratch, const double* columns, int count,
           const Output& out) {
  power_spectrum(t, columns, scratch);
  if (t.magnitude) {
    const int values = (t.n_fft / 2 + 1) * LANES;
    for (int i = 0; i < values; ++i) scratch.power[i] = __builtin_sqrtf(scratch.power[i]);
  }
  mels(t, scratch.power, scratch.mel);
  logarithms(t, scratch.mel);
  float loudest = -__builtin_inff();
  for (int m = 0; t.find_loudest && m < t.n_mels; ++m)
    for (int lane = 0; lane < count; ++lane)
      loudest = larger(loudest, scratch.mel[m * LANES + lane]);
  switch (out.type) {
    case 0:
      store(t, scratch.mel, count, static_cast<float*>(out.frames));
      break;
    case 2:
      quantize(t, out, -128.0f, scratch.mel);
      store(t, scratch.mel, count, static_cast<std::int8_t*>(out.frames));
      break;
    default:
      quantize(t, out, 0.0f, scratch.mel);
      store(t, scratch.mel, count, static_cast<std::uint8_t*>(out.frames));
  }
  return loudest;
}

void fill(const float* samples, std::int32_t hop_length, int hops, std::int32_t rows,
          double* columns, std::int32_t stride) {
  const std::ptrdiff_t hop = hop_length, row = stride;
  const int whole_hops = hops - hops % LANES;
  const std::int32_t whole_rows = rows - rows % LANES;
  for (std::int32_t r = 0; r < whole_rows; r += LANES) {
    for (int h = 0; h < whole_hops; h += LANES) {
      Floats block[LANES];
      UNROLL
      for (int i = 0; i < LANES; ++i)
        block[i] = *reinterpret_cast<const LooseFloats*>(samples + (h + i) * hop + r);
      transpose(block);
      UNROLL
      for (int i = 0; i < LANES; ++i)
        *reinterpret_cast<LooseDoubles*>(columns + (r + i) * row + h) = widened(block[i]);
    }
  }
  for (std::int32_t r = 0; r < rows; ++r)
    for (int h = r < whole_rows ? whole_hops : 0; h < hops; ++h)
      columns[r * row + h] = samples[h * hop + r];
}

}  // namespace

const Level LEVEL = {LANES, tile, fill};

}  // namespace tinyalm
