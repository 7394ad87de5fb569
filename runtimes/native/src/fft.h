// The FFT of a tile, from windowed samples to the power of every bin.
//
// Split radix, without the half that real samples make redundant. Of N real samples x, the even
// bins are those of the N/2 real samples x[n] + x[n + N/2], and with y[n] = x[n] - x[n + N/2] the
// odd ones come from one complex transform of N/4 points:
//   X[4m + 1] = sum over n < N/4 of (y[n] - i y[n + N/4]) exp(-2 pi i n / N) exp(-2 pi i nm /
//   (N/4)) X[4m + 3] = conj X[N - 4m - 3], whose index is 4m' + 1 again.
// A stage does this for its bins and leaves N/2 samples to the next one. What is no multiple of 4
// in the end, mostly 2 samples, is transformed as complex numbers. Transforms decimate in
// frequency, in place, and what their last pass computes goes straight into powers.
#pragma once

#include "dft.h"
#include "tile.h"

namespace tinyalm {
namespace {

// The samples of the first stage: windowed, out of the columns.
struct Windowed {
  const std::int32_t* at;
  const double* window;
  const double* columns;

  INLINE Doubles operator()(int n) const { return load(columns + at[n]) * window[n]; }
};

// The samples of the other stages.
struct Folded {
  const Doubles* samples;

  INLINE Doubles operator()(int n) const { return samples[n]; }
};

// The points of a stage's transform. It takes the samples of the next stage to `next`, which may be
// the memory that its own are in.
template <bool folds, typename Source>
struct Points {
  Source x;
  const double* turns;
  int quarter;
  Doubles* next;

  INLINE Complex operator()(int n) const {
    if (!folds) return {x(n), Doubles{}};
    const Doubles a = x(n), b = x(n + quarter), c = x(n + 2 * quarter), d = x(n + 3 * quarter);
    next[n] = a + c;
    next[n + quarter] = b + d;
    return turned({a - c, d - b}, turns[2 * n], turns[2 * n + 1]);
  }
};

// The points that the pass before left.
struct Left {
  const Complex* block;

  INLINE Complex operator()(int n) const { return block[n]; }
};

INLINE void store_power(float* power, int bin, Complex x) {
  reinterpret_cast<Floats*>(power)[bin] = narrowed(x.re * x.re + x.im * x.im);
}

// One pass, but for the last one, over the block at `to`, from the points that `from` answers with.
template <int R, typename From>
INLINE void pass(int size, const double* twiddles, Complex* to, From from) {
  const int step = size / R;
  for (int j = 0; j < step; ++j, twiddles += 2 * (R - 1)) {
    Complex x[R];
    UNROLL
    for (int q = 0; q < R; ++q) x[q] = from(j + q * step);
    Dft<R>::run(x);
    to[j] = x[0];
    UNROLL
    for (int q = 1; q < R; ++q)
      to[j + q * step] = turned(x[q], twiddles[2 * q - 2], twiddles[2 * q - 1]);
  }
}

// The last pass over `count` points; bins[n] is what point n is.
template <int R, typename From>
INLINE void last_pass(int count, const std::int32_t* bins, float* power, From from) {
  for (int n = 0; n < count; n += R) {
    Complex x[R];
    UNROLL
    for (int q = 0; q < R; ++q) x[q] = from(n + q);
    Dft<R>::run(x);
    UNROLL
    for (int q = 0; q < R; ++q) store_power(power, bins[n + q], x[q]);
  }
}

#define FOR_RADIX(radix, call) \
  switch (radix) {             \
    case 1:                    \
      call(1);                 \
      break;                   \
    case 2:                    \
      call(2);                 \
      break;                   \
    case 3:                    \
      call(3);                 \
      break;                   \
    case 4:                    \
      call(4);                 \
      break;                   \
    case 5:                    \
      call(5);                 \
      break;                   \
    case 8:                    \
      call(8);                 \
      break;                   \
    default:                   \
      call(16);                \
      break;                   \
  }

// All passes but the first, over one part that it made.
void finish(const Stage& s, Complex* part, int count, const std::int32_t* bins, float* power) {
  int size = count;
  for (int p = 1; p < s.passes - 1; size /= s.radix[p], ++p) {
    for (Complex* block = part; block < part + count; block += size) {
#define NEXT(R) pass<R>(size, s.twiddles[p], block, Left{block})
      FOR_RADIX(s.radix[p], NEXT)
#undef NEXT
    }
  }
#define LAST(R) last_pass<R>(count, bins, power, Left{part})
  FOR_RADIX(s.radix[s.passes - 1], LAST)
#undef LAST
}

template <typename From>
void run_stage(const Stage& s, From from, Complex* spectrum, float* power) {
  if (s.passes == 1) {
#define ONLY(R) last_pass<R>(s.points, s.bins, power, from)
    FOR_RADIX(s.radix[0], ONLY)
#undef ONLY
    return;
  }
#define FIRST(R) pass<R>(s.points, s.twiddles[0], spectrum, from)
  FOR_RADIX(s.radix[0], FIRST)
#undef FIRST
  // Each part is finished while it is in the nearest cache.
  const int count = s.points / s.radix[0];
  for (int start = 0; start < s.points; start += count)
    finish(s, spectrum + start, count, s.bins + start, power);
}

#undef FOR_RADIX

template <typename Source>
void run_stage(const Stage& s, Source x, const Scratch& scratch) {
  Doubles* next = reinterpret_cast<Doubles*>(scratch.samples);
  Complex* spectrum = reinterpret_cast<Complex*>(scratch.spectrum);
  if (s.folds)
    run_stage(s, Points<true, Source>{x, s.turns, s.points, next}, spectrum, scratch.power);
  else
    run_stage(s, Points<false, Source>{x, s.turns, s.points, next}, spectrum, scratch.power);
}

void power_spectrum(const Tables& t, const double* columns, const Scratch& scratch) {
  run_stage(t.stages[0], Windowed{t.at, t.window, columns}, scratch);
  const Folded folded{reinterpret_cast<const Doubles*>(scratch.samples)};
  for (int i = 1; i < t.count; ++i) run_stage(t.stages[i], folded, scratch);
}

}  // namespace
}  // namespace tinyalm
