// Vectors of LANES doubles and floats, by the extension that GCC and Clang share. Included by each
// level with its own LANES and instruction set, and therefore all in an anonymous namespace: two
// levels must never share a function.
#pragma once

#include <cstdint>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace tinyalm {
namespace {

#define INLINE inline __attribute__((always_inline))
// Loops over the points of a small transform: only unrolled they stay in registers.
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef double Doubles __attribute__((vector_size(8 * LANES)));
typedef double LooseDoubles __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef float LooseFloats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
// A full register of floats: two rows of LANES.
typedef float WideFloats __attribute__((vector_size(8 * LANES)));
typedef std::int32_t WideInts __attribute__((vector_size(8 * LANES)));

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef std::int32_t Lanes __attribute__((vector_size(4 * LANES)));
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, Lanes{__VA_ARGS__})
#endif

// LANES rows of LANES floats to columns, in steps that x86's shuffles do in one instruction.
INLINE void transpose(Floats* rows) {
#if LANES == 2
  const Floats a = rows[0], b = rows[1];
  rows[0] = SHUFFLE(a, b, 0, 2), rows[1] = SHUFFLE(a, b, 1, 3);
#elif LANES == 4
  Floats t[4];
  UNROLL
  for (int i = 0; i < 4; i += 2) {
    t[i] = SHUFFLE(rows[i], rows[i + 1], 0, 4, 1, 5);
    t[i + 1] = SHUFFLE(rows[i], rows[i + 1], 2, 6, 3, 7);
  }
  UNROLL
  for (int i = 0; i < 2; ++i) {
    rows[2 * i] = SHUFFLE(t[i], t[i + 2], 0, 1, 4, 5);
    rows[2 * i + 1] = SHUFFLE(t[i], t[i + 2], 2, 3, 6, 7);
  }
#else
  Floats t[8], u[8];
  UNROLL
  for (int i = 0; i < 8; i += 2) {
    t[i] = SHUFFLE(rows[i], rows[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    t[i + 1] = SHUFFLE(rows[i], rows[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  UNROLL
  for (int i = 0; i < 8; i += 4) {
    UNROLL
    for (int j = 0; j < 2; ++j) {
      u[i + 2 * j] = SHUFFLE(t[i + j], t[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      u[i + 2 * j + 1] = SHUFFLE(t[i + j], t[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  UNROLL
  for (int i = 0; i < 4; ++i) {
    rows[i] = SHUFFLE(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    rows[i + 4] = SHUFFLE(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
#endif
}

struct Complex {
  Doubles re, im;
};

INLINE Doubles load(const double* from) { return *reinterpret_cast<const LooseDoubles*>(from); }

// __builtin_convertvector, of which GCC makes four instructions with AVX-512.
INLINE Doubles widened(Floats x) {
#if LANES == 8 && defined(__AVX512F__)
  return _mm512_cvtps_pd(x);
#else
  return __builtin_convertvector(x, Doubles);
#endif
}
INLINE Floats narrowed(Doubles x) {
#if LANES == 8 && defined(__AVX512F__)
  return _mm512_cvtpd_ps(x);
#else
  return __builtin_convertvector(x, Floats);
#endif
}

INLINE Complex add(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
INLINE Complex sub(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
INLINE Complex scaled(Complex a, double by) { return {a.re * by, a.im * by}; }
INLINE Complex minus_i(Complex a) { return {a.im, -a.re}; }

// a * (cosine - i sine)
INLINE Complex turned(Complex a, double cosine, double sine) {
  return {a.re * cosine + a.im * sine, a.im * cosine - a.re * sine};
}

}  // namespace
}  // namespace tinyalm
