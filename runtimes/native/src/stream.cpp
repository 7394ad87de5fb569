#include "stream.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tinyalm_logmel.h"

namespace tinyalm {
namespace {

constexpr std::size_t kBlock = 1024;              // samples that are converted at once
constexpr std::uint32_t kLongestGathered = 4096;  // hop_length up to which short pushes are

std::int32_t columns_at_once(const Program& p, int lanes) {
  // At least two tiles; and at least as many as one frame reaches over, so that moving the overlap
  // to the front is seldom.
  const std::uint32_t overlap = (p.frame_length - 1) / p.hop_length;
  const auto tile = static_cast<std::uint32_t>(lanes);
  return static_cast<std::int32_t>((std::max(overlap, 2 * tile) + tile - 1) / tile * tile);
}

template <typename T>
T* aligned(std::vector<T>& memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  return memory.data() + (kAlignment - address % kAlignment) % kAlignment / sizeof(T);
}

std::size_t whole_lines(std::size_t count) { return (count + 15) / 16 * 16; }

}  // namespace

Stream::Stream(Program program, const Level& level)
    : program_(std::move(program)),
      level_(level),
      columns_(program_.frame_length, program_.hop_length, columns_at_once(program_, level.lanes)),
      plan_(program_, columns_.stride()) {
  const auto lanes = static_cast<std::size_t>(level.lanes);
  const std::size_t samples = whole_lines((program_.n_fft / 2 + std::size_t{1}) * lanes);
  const std::size_t spectrum = whole_lines(plan_.most_points() * 2 * lanes);
  const std::size_t power = whole_lines((program_.bins() + kBinsAtOnce - 1) * lanes);
  doubles_.assign(samples + spectrum + columns_.size(level.lanes) + 16, 0.0);
  floats_.assign(power + (program_.n_mels + std::size_t{1}) * lanes + 32, 0.0f);
  scratch_ = {aligned(doubles_), aligned(doubles_) + samples, aligned(floats_),
              aligned(floats_) + power};
  columns_.use(aligned(doubles_) + samples + spectrum);
  converted_.resize(kBlock);
  prepared_.resize(kBlock);
  edge_.resize(kBlock);
  recent_.resize(program_.pad() + std::size_t{1});
  if (program_.hop_length <= kLongestGathered) most_gathered_ = lanes * program_.hop_length;
  gathered_.resize(most_gathered_ + program_.hop_length);
  reset();
}

void Stream::reset() {
  columns_.reset();
  gathered_count_ = 0;
  heard_ = framed_ = written_ = 0;
  begun_ = false;
  loudest_ = -std::numeric_limits<float>::infinity();
}

template <typename Sample>
void Stream::push(const Sample* samples, std::size_t count, bool at_once) {
  prepare(samples, count);
  heard_ += count;
  const std::uint64_t waiting = complete(heard_) - written_;
  if (at_once || waiting >= static_cast<std::uint64_t>(lanes())) spill();
  if (at_once) tiles(1);
}
template void Stream::push(const float*, std::size_t, bool);
template void Stream::push(const std::int16_t*, std::size_t, bool);

void Stream::flush() {
  const std::uint64_t frames = program_.frames(heard_);
  if (program_.padding != Padding::none && frames > 0) {
    // Only as much as the last frame needs: one that is dropped is never complete.
    const auto size = static_cast<std::int64_t>(framed_);
    const auto pad = static_cast<std::int64_t>(program_.pad());
    const auto end =
        static_cast<std::int64_t>((frames - 1) * program_.hop_length + program_.frame_length) - pad;
    feed_reflected(framed_ < early() ? -pad : size, end);
  }
  spill();
  tiles(1);
}

// Frames that so many samples complete before the end of the stream is known.
std::uint64_t Stream::complete(std::uint64_t samples) const {
  const std::uint64_t framed = program_.prepared(samples);
  const std::uint64_t padded = framed < early() || framed == 0 ? 0 : framed + program_.pad();
  if (padded < program_.frame_length) return 0;
  return 1 + (padded - program_.frame_length) / program_.hop_length;
}

std::uint64_t Stream::ready(std::uint64_t samples, bool at_once) const {
  const std::uint64_t found = complete(heard_ + samples) - written_;
  return at_once ? found : found - found % static_cast<std::uint64_t>(lanes());
}

void Stream::prepare(const std::int16_t* samples, std::size_t count) {
  for (std::size_t done = 0; done < count;) {
    const std::size_t block = std::min(kBlock, count - done);
    for (std::size_t i = 0; i < block; ++i)
      converted_[i] = static_cast<float>(samples[done + i]) * (1.0f / 32768.0f);
    prepare(converted_.data(), block);
    done += block;
  }
}

// Rounding to 16 bits, then pre-emphasis.
void Stream::prepare(const float* samples, std::size_t count) {
  if (!program_.round_int16 && program_.preemphasis == 0) return pad(samples, count);
  for (std::size_t done = 0; done < count;) {
    const std::size_t block = std::min(kBlock, count - done);
    std::size_t made = 0;
    for (std::size_t i = 0; i < block; ++i) {
      const double sample = rounded(samples[done + i]);
      if (program_.preemphasis == 0)
        prepared_[made++] = sample;
      else if (begun_)
        prepared_[made++] = sample - program_.preemphasis * previous_;
      begun_ = true;
      previous_ = sample;
    }
    pad(prepared_.data(), made);
    done += block;
  }
}

double Stream::rounded(float sample) const {
  if (!program_.round_int16) return static_cast<double>(sample);
  const float clipped = sample < -1.0f ? -1.0f : sample > 1.0f ? 1.0f : sample;
  return static_cast<double>(std::trunc(clipped * 32767.0f)) / 32767.0;
}

// Samples that must be known before the padding in front of the first one is.
std::uint64_t Stream::early() const {
  return program_.padding == Padding::reflect ? program_.pad() + std::uint64_t{1} : 0;
}

template <typename Sample>
void Stream::pad(const Sample* samples, std::size_t count) {
  if (program_.padding != Padding::none && count > 0) {
    if (program_.padding == Padding::constant && framed_ == 0)
      feed_reflected(-std::int64_t{program_.pad()}, 0);
    if (framed_ < early()) {
      const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(count, early() - framed_));
      remember(samples, used);
      if (framed_ < early()) return;
      feed_reflected(-std::int64_t{program_.pad()}, static_cast<std::int64_t>(framed_));
      samples += used;
      count -= used;
    }
    remember(samples, count);
  } else {
    framed_ += count;
  }
  feed(samples, count);
}

template <typename Sample>
void Stream::remember(const Sample* samples, std::size_t count) {
  framed_ += count;
  std::size_t kept = std::min(count, recent_.size());
  const Sample* next = samples + (count - kept);
  auto slot = static_cast<std::size_t>((framed_ - kept) % recent_.size());
  while (kept > 0) {  // twice at most: to the end of the ring, and from its beginning
    const std::size_t run = std::min(kept, recent_.size() - slot);
    std::copy_n(next, run, recent_.begin() + static_cast<std::ptrdiff_t>(slot));
    next += run;
    kept -= run;
    slot = 0;
  }
}

// Sample `index` of the padded recording; the samples repeat forwards and backwards for ever.
double Stream::reflected(std::int64_t index) const {
  const auto size = static_cast<std::int64_t>(framed_);
  if (program_.padding == Padding::constant && (index < 0 || index >= size)) return 0.0;
  const std::int64_t period = std::max<std::int64_t>(1, 2 * (size - 1));
  const std::int64_t phase = (index % period + period) % period;
  const std::int64_t at = std::min(phase, period - phase);
  return recent_[static_cast<std::size_t>(at) % recent_.size()];
}

void Stream::feed_reflected(std::int64_t from, std::int64_t to) {
  while (from < to) {
    const std::int64_t block = std::min<std::int64_t>(kBlock, to - from);
    for (std::int64_t i = 0; i < block; ++i)
      edge_[static_cast<std::size_t>(i)] = reflected(from + i);
    feed(edge_.data(), static_cast<std::size_t>(block));
    from += block;
  }
}

// Short pushes are gathered until they complete a tile, because whole hops are filled fastest.
void Stream::feed(const float* samples, std::size_t count) {
  if (gathered_count_ == 0 && count >= most_gathered_) return to_columns(samples, count, count);
  while (count > 0) {
    const std::size_t used = std::min(count, most_gathered_ - gathered_count_);
    std::copy_n(samples, used, gathered_.data() + gathered_count_);
    gathered_count_ += used;
    samples += used;
    count -= used;
    if (gathered_count_ == most_gathered_) spill();
  }
}

void Stream::feed(const double* samples, std::size_t count) {
  spill();
  to_columns(samples, count, count);
}

void Stream::spill() {
  const std::size_t count = std::exchange(gathered_count_, 0);
  to_columns(gathered_.data(), count, gathered_.size());
}

template <typename Sample>
void Stream::to_columns(const Sample* samples, std::size_t count, std::size_t readable) {
  while (count > 0) {
    const std::size_t used = columns_.feed(level_, samples, count, readable);
    samples += used;
    count -= used;
    readable -= used;
    tiles(lanes());
  }
}

void Stream::tiles(int least) {
  for (int found = columns_.complete(); found >= least; found = columns_.complete()) {
    const int count = std::min(found, lanes());
    const float loudest = level_.tile(plan_.tables(), scratch_, columns_.next(), count, output_);
    if (loudest > loudest_) loudest_ = loudest;
    columns_.take(count);
    written_ += static_cast<std::uint64_t>(count);
    const std::size_t bytes = static_cast<std::size_t>(count) * program_.n_mels *
                              (output_.type == TINYALM_FLOAT32 ? sizeof(float) : 1);
    output_.frames = static_cast<char*>(output_.frames) + bytes;
  }
}

}  // namespace tinyalm
