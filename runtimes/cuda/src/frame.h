// One frame of a log-mel, cut into steps that the threads of a block share; between two steps they
// wait for each other. Plain C++ without CUDA's compiler, so that the steps are tested without a
// GPU.
//
// With n_fft = outer * inner, sample n = inner * i + j, bin k = r + outer * s and e the unit circle
// by turns (Cooley and Tukey 1965):
//
//   X[k] = sum over j of e(j * k / n_fft) * (sum over i of e(i * r / outer) * x[inner * i + j])
//
// in float64: float32 has no digits left for a band 100 dB below a loud one.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#define TINYALM_BOTH __host__ __device__ inline
#else
#define TINYALM_BOTH inline
#endif

namespace tinyalm::cuda {

// A front end; pointers are the device's, or the host's where a frame is computed there.
struct Tables {
  std::int32_t n_fft, hop, window_start, win, pad, n_mels;
  std::int32_t outer, inner, residues;  // residues k % outer that are computed: outer / 2 + 1
  std::int32_t first_bin, bins;         // that any band weighs
  bool reflect, round_int16, magnitude;
  double preemphasis, log_offset, log_floor, log_scale, log_shift, range;
  const double* window;       // [win]
  const double* turns;        // [n_fft][2], cosine and sine of one turn
  const std::int32_t* bands;  // [n_mels][3]: first bin of bins, number of weights, first weight
  const float* weights;       // of all bands
};

// What the threads of a frame share.
struct Scratch {
  double* samples;   // [win]
  double* sums;      // [residues][inner][2]
  double* spectrum;  // [bins]
};

TINYALM_BOTH std::size_t scratch_doubles(const Tables& t) {
  return static_cast<std::size_t>(t.win) + 2 * static_cast<std::size_t>(t.residues) * t.inner +
         t.bins;
}

TINYALM_BOTH Scratch scratch_at(const Tables& t, double* memory) {
  double* sums = memory + t.win;
  return {memory, sums, sums + 2 * static_cast<std::size_t>(t.residues) * t.inner};
}

TINYALM_BOTH double rounded(const Tables& t, float sample) {
  if (!t.round_int16) return sample;
  // NaN passes both comparisons and stays what it is.
  const float clipped = sample < -1.0f ? -1.0f : sample > 1.0f ? 1.0f : sample;
  return std::trunc(clipped * 32767.0f) / 32767.0;
}

// Sample n of the `length` that are framed; those before and behind them are padding.
TINYALM_BOTH double sample_at(const Tables& t, const float* samples, std::int64_t length,
                              std::int64_t n) {
  if (n < 0 || n >= length) {
    if (!t.reflect) return 0;
    const std::int64_t period = length > 1 ? 2 * (length - 1) : 1;
    n %= period;
    if (n < 0) n += period;
    if (n >= length) n = period - n;
  }
  if (t.preemphasis == 0) return rounded(t, samples[n]);
  return rounded(t, samples[n + 1]) - t.preemphasis * rounded(t, samples[n]);
}

TINYALM_BOTH void load(const Tables& t, const Scratch& s, const float* samples, std::int64_t length,
                       std::int64_t frame, int thread, int threads) {
  const std::int64_t start = frame * t.hop - t.pad + t.window_start;
  for (int i = thread; i < t.win; i += threads)
    s.samples[i] = t.window[i] * sample_at(t, samples, length, start + i);
}

TINYALM_BOTH void first_sums(const Tables& t, const Scratch& s, int thread, int threads) {
  for (int at = thread; at < t.residues * t.inner; at += threads) {
    const int residue = at / t.inner, j = at % t.inner;
    double real = 0, imaginary = 0;
    for (int n = j, turn = 0; n < t.win; n += t.inner) {
      const double* e = t.turns + 2 * static_cast<std::size_t>(turn) * t.inner;
      real += e[0] * s.samples[n];
      imaginary += e[1] * s.samples[n];
      turn += residue;
      if (turn >= t.outer) turn -= t.outer;
    }
    s.sums[2 * at] = real;
    s.sums[2 * at + 1] = imaginary;
  }
}

TINYALM_BOTH void spectrum(const Tables& t, const Scratch& s, int thread, int threads) {
  for (int at = thread; at < t.bins; at += threads) {
    // Bins k and n_fft - k have the same magnitude; one of them has a residue that is computed.
    int k = t.first_bin + at;
    if (k % t.outer >= t.residues) k = t.n_fft - k;
    const double* sums = s.sums + 2 * static_cast<std::size_t>(k % t.outer) * t.inner;
    double real = 0, imaginary = 0;
    for (int j = 0, turn = 0; j < t.inner; ++j) {
      const double* e = t.turns + 2 * static_cast<std::size_t>(turn);
      real += e[0] * sums[2 * j] - e[1] * sums[2 * j + 1];
      imaginary += e[1] * sums[2 * j] + e[0] * sums[2 * j + 1];
      turn += k;
      if (turn >= t.n_fft) turn -= t.n_fft;
    }
    const double power = real * real + imaginary * imaginary;
    s.spectrum[at] = t.magnitude ? std::sqrt(power) : power;
  }
}

// Writes the frame's n_mels values; the range over a whole recording comes after all its frames.
TINYALM_BOTH void log_mel(const Tables& t, const Scratch& s, float* output, int thread,
                          int threads) {
  for (int mel = thread; mel < t.n_mels; mel += threads) {
    const std::int32_t* band = t.bands + 3 * mel;
    double level = 0;
    for (int i = 0; i < band[1]; ++i) level += t.weights[band[2] + i] * s.spectrum[band[0] + i];
    // A comparison, since fmax would lose NaN.
    level = level < t.log_floor ? t.log_floor : level;
    output[mel] = static_cast<float>(std::log(level + t.log_offset) * t.log_scale + t.log_shift);
  }
}

}  // namespace tinyalm::cuda
