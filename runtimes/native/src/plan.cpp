#include "plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tinyalm {
namespace {

constexpr double kTurn = 6.283185307179586476925286766559;

// Cosine and sine of k / n turns.
void push_turn(std::vector<double>& table, std::int64_t k, std::int64_t n) {
  const double angle = kTurn * static_cast<double>(k % n) / static_cast<double>(n);
  table.push_back(std::cos(angle));
  table.push_back(std::sin(angle));
}

// The radix of each pass: the largest last, because the last pass has no twiddles and writes
// powers.
std::vector<std::int32_t> radices(std::int32_t points) {
  std::vector<std::int32_t> found;
  if (points % 16 == 0) found.push_back(16), points /= 16;
  for (std::int32_t radix : {8, 5, 4, 3, 2})
    for (; points % radix == 0; points /= radix) found.push_back(radix);
  if (found.empty()) found.push_back(1);
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace

Plan::Plan(const Program& program, std::int32_t stride) {
  make_frames(program, stride);
  const auto n_fft = static_cast<std::int32_t>(program.n_fft);
  tables_.n_fft = n_fft;
  std::int32_t samples = n_fft;
  for (; samples % 4 == 0; samples /= 2) make_stage(samples, n_fft);
  make_stage(samples, n_fft);
  make_mel(program);
}

void Plan::make_frames(const Program& p, std::int32_t stride) {
  const std::uint32_t rows = std::min(p.hop_length, p.frame_length);
  tables_.rows = static_cast<std::int32_t>(rows);
  tables_.stride = stride;
  at_.assign(p.n_fft, tables_.rows * stride);  // the row of zeros
  window_.assign(p.n_fft, 0.0);
  for (std::uint32_t i = 0; i < p.win_length; ++i) {
    const std::uint32_t n = p.window_start + i;
    at_[n] = static_cast<std::int32_t>(n % p.hop_length) * stride +
             static_cast<std::int32_t>(n / p.hop_length);
    window_[n] = p.window[i];
  }
  tables_.at = at_.data();
  tables_.window = window_.data();
}

// The stage that gets so many samples: those that n_fft samples were folded to.
void Plan::make_stage(std::int32_t samples, std::int32_t n_fft) {
  Stage& stage = tables_.stages[tables_.count++];
  stage.folds = samples % 4 == 0;
  stage.points = stage.folds ? samples / 4 : samples;
  const std::vector<std::int32_t> passes = radices(stage.points);
  stage.passes = static_cast<std::int32_t>(passes.size());
  std::vector<std::int32_t> place(static_cast<std::size_t>(stage.points));
  std::int32_t block = stage.points;
  std::int32_t stride = 1;  // of the frequencies that one block of a pass holds
  for (std::size_t i = 0; i < passes.size(); ++i) {
    const std::int32_t radix = passes[i], step = block / radix;
    std::vector<double> twiddles;
    for (std::int32_t j = 0; j < step; ++j)
      for (std::int32_t k = 1; k < radix; ++k) push_turn(twiddles, std::int64_t{j} * k, block);
    stage.radix[i] = radix;
    stage.twiddles[i] = turns_.emplace_back(std::move(twiddles)).data();
    // The pass sorts a block's frequencies by their remainder; the next ones sort the quotients.
    for (std::int32_t k = 0; k < stage.points; ++k)
      place[static_cast<std::size_t>(k)] += k / stride % radix * step;
    stride *= radix;
    block = step;
  }
  std::vector<double> turns;
  std::vector<std::int32_t> bins(place.size());
  const std::int32_t apart = n_fft / samples;  // bins between those of the folded samples
  for (std::int32_t k = 0; k < stage.points; ++k) {
    push_turn(turns, k, samples);
    const std::int32_t bin = (stage.folds ? 4 * k + 1 : k) * apart;
    bins[static_cast<std::size_t>(place[static_cast<std::size_t>(k)])] = std::min(bin, n_fft - bin);
  }
  stage.turns = turns_.emplace_back(std::move(turns)).data();
  stage.bins = bins_.emplace_back(std::move(bins)).data();
}

std::size_t Plan::most_points() const {
  std::int32_t most = 0;
  for (std::int32_t i = 0; i < tables_.count; ++i) most = std::max(most, tables_.stages[i].points);
  return static_cast<std::size_t>(most);
}

void Plan::make_mel(const Program& p) {
  const float* next = p.weights.data();
  for (const Band& band : p.bands) {
    const std::uint32_t spare = (kBinsAtOnce - band.weights % kBinsAtOnce) % kBinsAtOnce;
    bands_.push_back(band.first_bin);
    bands_.push_back(band.weights + spare);
    weights_.insert(weights_.end(), next, next + band.weights);
    weights_.insert(weights_.end(), spare, 0.0f);
    next += band.weights;
  }
  tables_.n_mels = static_cast<std::int32_t>(p.n_mels);
  tables_.bands = bands_.data();
  tables_.weights = weights_.data();
  tables_.magnitude = p.power == 1;
  tables_.find_loudest = p.range > 0;
  tables_.log_offset = static_cast<float>(p.log_offset);
  tables_.log_floor = static_cast<float>(p.log_floor);
  tables_.log_scale = static_cast<float>(p.log_scale);
  tables_.log_shift = static_cast<float>(p.log_shift);
}

}  // namespace tinyalm
