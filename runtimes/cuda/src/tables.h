// The tables of a front end, made of its program on the host.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "frame.h"
#include "program.h"

namespace tinyalm::cuda {

// What the pointers of a Tables point to.
struct Memory {
  std::vector<double> window, turns;
  std::vector<std::int32_t> bands;
  std::vector<float> weights;
};

constexpr std::size_t kScratchBytes = 48 * 1024;  // what every GPU gives a block

// The split with the fewest products.
inline std::int32_t cheapest_outer(const Program& p, std::int32_t bins) {
  std::int32_t best = 1;
  double fewest = 1e300;
  for (std::int32_t outer = 1; outer <= static_cast<std::int32_t>(p.n_fft); ++outer) {
    if (p.n_fft % outer != 0) continue;
    const double inner = static_cast<double>(p.n_fft) / outer;
    const double products = 2.0 * (outer / 2 + 1) * p.win_length + 4.0 * bins * inner;
    if (products < fewest) fewest = products, best = outer;
  }
  return best;
}

// Fills `memory` and `tables`, which points into it, or answers with one line that says what is
// wrong; "" where nothing is.
inline std::string make_tables(const Program& p, Memory& memory, Tables& tables) {
  std::int32_t first = static_cast<std::int32_t>(p.bins()), last = 0, weight = 0;
  for (const Band& band : p.bands) {
    if (band.weights == 0) continue;
    first = std::min(first, static_cast<std::int32_t>(band.first_bin));
    last = std::max(last, static_cast<std::int32_t>(band.first_bin + band.weights));
  }
  if (last == 0) first = 0;
  for (const Band& band : p.bands) {
    const auto count = static_cast<std::int32_t>(band.weights);
    const auto at = count > 0 ? static_cast<std::int32_t>(band.first_bin) - first : 0;
    memory.bands.insert(memory.bands.end(), {at, count, weight});
    weight += count;
  }
  memory.weights = p.weights;
  memory.window = p.window;
  for (std::uint32_t k = 0; k < p.n_fft; ++k) {
    const double angle = 6.283185307179586476925286766559 * k / p.n_fft;
    memory.turns.insert(memory.turns.end(), {std::cos(angle), std::sin(angle)});
  }
  Tables& t = tables;
  t.n_fft = static_cast<std::int32_t>(p.n_fft), t.hop = static_cast<std::int32_t>(p.hop_length);
  t.window_start = static_cast<std::int32_t>(p.window_start);
  t.win = static_cast<std::int32_t>(p.win_length), t.pad = static_cast<std::int32_t>(p.pad());
  t.n_mels = static_cast<std::int32_t>(p.n_mels);
  t.first_bin = first, t.bins = last - first;
  t.outer = cheapest_outer(p, t.bins), t.inner = t.n_fft / t.outer, t.residues = t.outer / 2 + 1;
  t.reflect = p.padding == Padding::reflect;
  t.round_int16 = p.round_int16, t.magnitude = p.power == 1;
  t.preemphasis = p.preemphasis, t.log_offset = p.log_offset, t.log_floor = p.log_floor;
  t.log_scale = p.log_scale, t.log_shift = p.log_shift, t.range = p.range;
  t.window = memory.window.data(), t.turns = memory.turns.data();
  t.bands = memory.bands.data(), t.weights = memory.weights.data();
  if (scratch_doubles(t) * sizeof(double) > kScratchBytes)
    return "n_fft is too large for the shared memory of a GPU";
  return "";
}

}  // namespace tinyalm::cuda
