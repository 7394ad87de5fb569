// Discrete Fourier transforms of 1, 2, 3, 4, 5, 8 and 16 points, in place, in natural order:
// X[k] = sum of x[n] exp(-2 pi i k n / R).
#pragma once

#include "vectors.h"

namespace tinyalm {
namespace {

template <int R>
struct Dft;

template <>
struct Dft<1> {
  static INLINE void run(Complex*) {}
};

template <>
struct Dft<2> {
  static INLINE void run(Complex* x) {
    const Complex a = x[0], b = x[1];
    x[0] = add(a, b), x[1] = sub(a, b);
  }
};

template <>
struct Dft<3> {
  static INLINE void run(Complex* x) {
    constexpr double sine = 0.86602540378443864676;  // of a third of a turn
    const Complex sum = add(x[1], x[2]);
    const Complex side = scaled(minus_i(sub(x[1], x[2])), sine);
    const Complex middle = sub(x[0], scaled(sum, 0.5));
    x[0] = add(x[0], sum), x[1] = add(middle, side), x[2] = sub(middle, side);
  }
};

template <>
struct Dft<4> {
  static INLINE void run(Complex* x) {
    const Complex a = add(x[0], x[2]), b = sub(x[0], x[2]);
    const Complex c = add(x[1], x[3]), d = minus_i(sub(x[1], x[3]));
    x[0] = add(a, c), x[1] = add(b, d), x[2] = sub(a, c), x[3] = sub(b, d);
  }
};

template <>
struct Dft<5> {
  static INLINE void run(Complex* x) {
    constexpr double c1 = 0.30901699437494742410, s1 = 0.95105651629515357212;   // 1/5 turn
    constexpr double c2 = -0.80901699437494742410, s2 = 0.58778525229247312917;  // 2/5 turn
    const Complex a = add(x[1], x[4]), b = add(x[2], x[3]);
    const Complex c = minus_i(sub(x[1], x[4])), d = minus_i(sub(x[2], x[3]));
    const Complex one = add(x[0], add(scaled(a, c1), scaled(b, c2)));
    const Complex two = add(x[0], add(scaled(a, c2), scaled(b, c1)));
    const Complex one_side = add(scaled(c, s1), scaled(d, s2));
    const Complex two_side = sub(scaled(c, s2), scaled(d, s1));
    x[0] = add(x[0], add(a, b));
    x[1] = add(one, one_side), x[4] = sub(one, one_side);
    x[2] = add(two, two_side), x[3] = sub(two, two_side);
  }
};

template <>
struct Dft<8> {
  static INLINE void run(Complex* x) {
    constexpr double half = 0.70710678118654752440;  // the cosine of an eighth of a turn
    Complex even[4], odd[4];
    UNROLL
    for (int n = 0; n < 4; ++n) even[n] = add(x[n], x[n + 4]), odd[n] = sub(x[n], x[n + 4]);
    odd[1] = scaled(add(odd[1], minus_i(odd[1])), half);
    odd[2] = minus_i(odd[2]);
    odd[3] = scaled(sub(minus_i(odd[3]), odd[3]), half);
    Dft<4>::run(even), Dft<4>::run(odd);
    UNROLL
    for (int k = 0; k < 4; ++k) x[2 * k] = even[k], x[2 * k + 1] = odd[k];
  }
};

template <>
struct Dft<16> {
  static INLINE void run(Complex* x) {
    constexpr double half = 0.70710678118654752440;  // the cosine of an eighth of a turn
    constexpr double cosine = 0.92387953251128675613, sine = 0.38268343236508977173;  // 1/16 turn
    Complex y[4][4];  // four transforms of every fourth point
    UNROLL
    for (int n = 0; n < 4; ++n) {
      UNROLL
      for (int k = 0; k < 4; ++k) y[n][k] = x[n + 4 * k];
      Dft<4>::run(y[n]);
    }
    y[1][1] = turned(y[1][1], cosine, sine);
    y[1][2] = scaled(add(y[1][2], minus_i(y[1][2])), half);
    y[1][3] = turned(y[1][3], sine, cosine);
    y[2][1] = scaled(add(y[2][1], minus_i(y[2][1])), half);
    y[2][2] = minus_i(y[2][2]);
    y[2][3] = scaled(sub(minus_i(y[2][3]), y[2][3]), half);
    y[3][1] = turned(y[3][1], sine, cosine);
    y[3][2] = scaled(sub(minus_i(y[3][2]), y[3][2]), half);
    y[3][3] = turned(y[3][3], -cosine, -sine);
    UNROLL
    for (int k = 0; k < 4; ++k) {
      Complex z[4] = {y[0][k], y[1][k], y[2][k], y[3][k]};
      Dft<4>::run(z);
      UNROLL
      for (int q = 0; q < 4; ++q) x[k + 4 * q] = z[q];
    }
  }
};

}  // namespace
}  // namespace tinyalm
