// One tile of frames, from samples to log-mel: what every level of the kernel executes.
//
// A tile has `lanes` frames, one in each lane of a vector, so that every step of the transform is
// the same for all of them and a lane never sees another. That is why a frame has the same bits
// whatever tile it is in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tinyalm {

constexpr int kMostStages = 18, kMostPasses = 16;  // for n_fft up to 2^16
constexpr int kBinsAtOnce = 4;
constexpr std::size_t kAlignment = 64;

// One stage of the FFT (fft.h): a complex transform in passes of decreasing block size.
struct Stage {
  bool folds;  // whether it leaves samples to another stage
  std::int32_t points, passes;
  std::int32_t radix[kMostPasses];
  const double* twiddles[kMostPasses];  // but the last: [block / radix][radix - 1][cos, sin]
  const double* turns;                  // folds: [points][cos, sin] of n / (4 points) turns
  const std::int32_t* bins;             // [points]: the bin that each place holds after all passes
};

// The transform's numbers. Everything is owned by the handle and constant.
struct Tables {
  // Columns: sample r of hop h is at [r][h] of `rows` x `stride` doubles, and a frame that begins
  // at hop h finds its sample n at offset at[n] from [0][h]. One more row holds zeros.
  std::int32_t n_fft;
  const std::int32_t* at;  // [n_fft]
  const double* window;    // [n_fft], zero outside the window
  std::int32_t rows, stride;

  std::int32_t count;
  Stage stages[kMostStages];

  std::int32_t n_mels;
  // [n_mels][first bin, number of weights], the number made a multiple of kBinsAtOnce by weights of
  // 0, so that it is seldom another one than the band's before.
  const std::uint32_t* bands;
  const float* weights;
  bool magnitude, find_loudest;
  float log_offset, log_floor, log_scale, log_shift;
};

// What a tile works on; owned by the handle, aligned to kAlignment.
struct Scratch {
  double* samples;   // [n_fft / 2][lanes]
  double* spectrum;  // [points of the largest stage][real, imaginary][lanes]
  float* power;      // [bins][lanes], with room for kBinsAtOnce - 1 bins more
  float* mel;        // [n_mels][lanes], with room for one vector more
};

// Where a tile's frames go.
struct Output {
  std::int32_t type;        // a tinyalm_type
  float scale, zero_point;  // of INT8 and UINT8
  void* frames;             // [frames][n_mels]
};

// One level of the kernel.
struct Level {
  int lanes;
  // The `count` frames, 1 to `lanes`, that begin at the hops from `columns` on. Answers with the
  // loudest log-mel value of them if it is to be found.
  float (*tile)(const Tables&, const Scratch&, const double* columns, int count, const Output&);
  // Whole hops of samples into columns: hop h of `hops` to [.][h].
  void (*fill)(const float* samples, std::int32_t hop_length, int hops, std::int32_t rows,
               double* columns, std::int32_t stride);
};

extern const Level kBaseline;
#if defined(__x86_64__)
extern const Level kAvx2, kAvx512;
#endif

}  // namespace tinyalm
