#include "stream.h"

#include "tinyalm_logmel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace tinyalm {
namespace {

constexpr std::size_t kBlock = 1024;  // samples that are converted at once

std::int32_t columns_at_once(const Program& p, int lanes) {
  // At least a tile; and at least as many as one frame reaches over, so that moving the overlap to
  // the front is seldom.
  const std::uint32_t overlap = (p.frame_length - 1) / p.hop_length;
  const auto tile = static_cast<std::uint32_t>(lanes);
  return static_cast<std::int32_t>((std::max(overlap, tile) + tile - 1) / tile * tile);
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
      columns_(program_.frame_length, program_.hop_length,
               columns_at_once(program_, level.lanes)),
      plan_(program_, columns_.stride()) {
  const auto lanes = static_cast<std::size_t>(level.lanes);
  const std::size_t samples = whole_lines((program_.n_fft / 2 + std::size_t{1}) * lanes);
  const std::size_t spectrum = whole_lines(plan_.most_points() * 2 * lanes);
  const std::size_t power = whole_lines(program_.bins() * lanes);
  doubles_.assign(samples + spectrum + columns_.size(level.lanes) + 16, 0.0);
  floats_.assign(power + (program_.n_mels + std::size_t{1}) * lanes + 32, 0.0f);
  scratch_ = {aligned(doubles_), aligned(doubles_) + samples, aligned(floats_),
              aligned(floats_) + power};
  columns_.use(aligned(doubles_) + samples + spectrum);
  converted_.resize(kBlock);
  prepared_.resize(kBlock);
  edge_.resize(kBlock);
  recent_.resize(program_.pad() + std::size_t{1});
  reset();
}

void Stream::reset() {
  columns_.reset();
  heard_ = framed_ = written_ = 0;
  begun_ = false;
  loudest_ = -std::numeric_limits<float>::infinity();
}

template <typename Sample>
void Stream::push(const Sample* samples, std::size_t count, bool at_once) {
  prepare(samples, count);
  heard_ += count;
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
    const auto end = static_cast<std::int64_t>((frames - 1) * program_.hop_length +
                                               program_.frame_length) - pad;
    feed_reflected(framed_ < early() ? -pad : size, end);
  }
  tiles(1);
}

std::uint64_t Stream::ready(std::uint64_t samples, bool at_once) const {
  const std::uint64_t framed = program_.prepared(heard_ + samples);
  const std::uint64_t padded = framed < early() || framed == 0 ? 0 : framed + program_.pad();
  if (padded < program_.frame_length) return 0;
  const std::uint64_t complete = 1 + (padded - program_.frame_length) / program_.hop_length;
  const std::uint64_t found = complete - written_;
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
      const auto used =
          static_cast<std::size_t>(std::min<std::uint64_t>(count, early() - framed_));
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
  const std::size_t kept = std::min(count, recent_.size());
  framed_ += count;
  std::size_t slot = static_cast<std::size_t>((framed_ - kept) % recent_.size());
  for (std::size_t i = count - kept; i < count; ++i) {
    recent_[slot] = static_cast<double>(samples[i]);
    slot = slot + 1 == recent_.size() ? 0 : slot + 1;
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

template <typename Sample>
void Stream::feed(const Sample* samples, std::size_t count) {
  while (count > 0) {
    const std::size_t used = columns_.feed(level_, samples, count);
    samples += used;
    count -= used;
    tiles(lanes());
  }
}

void Stream::tiles(int least) {
  for (int found = columns_.complete(); found >= least; found = columns_.complete()) {
    const int count = std::min(found, lanes());
    const float loudest =
        level_.tile(plan_.tables(), scratch_, columns_.next(), count, output_);
    if (loudest > loudest_) loudest_ = loudest;
    columns_.take(count);
    written_ += static_cast<std::uint64_t>(count);
    const std::size_t bytes = static_cast<std::size_t>(count) * program_.n_mels *
                              (output_.type == TINYALM_FLOAT32 ? sizeof(float) : 1);
    output_.frames = static_cast<char*>(output_.frames) + bytes;
  }
}

}  // namespace tinyalm
