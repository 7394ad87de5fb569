// The samples that frames are still to be made of, hop by hop in columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <algorithm>

#include "tile.h"

namespace tinyalm {

// Takes samples one after the other and holds those that unwritten frames need. Sample r of hop h
// is at [r][h], so that one sample of neighbouring frames is one load.
class Columns {
 public:
  // `frames` of frame_length samples fit at once.
  Columns(std::uint32_t frame_length, std::uint32_t hop_length, std::int32_t frames)
      : hop_(hop_length),
        rows_(std::min(frame_length, hop_length)),
        overlap_((frame_length + hop_length - 1) / hop_length - 1),
        tail_(frame_length - overlap_ * hop_length),
        stride_(frames + static_cast<std::int32_t>(overlap_)) {}

  std::int32_t stride() const { return stride_; }

  // Doubles that `start` must point to: the rows, one of zeros, and what a last partial tile may
  // read beyond them.
  std::size_t size(int lanes) const {
    return (rows_ + std::size_t{1}) * static_cast<std::size_t>(stride_) +
           static_cast<std::size_t>(lanes);
  }

  void use(double* start) { start_ = start; }

  void reset() { done_ = column_ = 0, row_ = 0; }

  // Frames that are complete and not yet taken, and the columns that the first of them begins at.
  std::int32_t complete() const {
    const std::int64_t begun = column_ - std::int64_t{overlap_} + (row_ >= tail_ ? 1 : 0);
    return static_cast<std::int32_t>(std::max<std::int64_t>(0, begun - done_));
  }
  const double* next() const { return start_ + done_; }
  void take(std::int32_t frames) { done_ += frames; }

  // Takes samples until there is no room; answers with how many.
  template <typename Sample>
  std::size_t feed(const Level& level, const Sample* samples, std::size_t count) {
    if (column_ == stride_) make_room();
    std::size_t used = 0;
    while (used < count && column_ < stride_) {
      const std::size_t whole = std::min((count - used) / hop_, static_cast<std::size_t>(stride_ - column_));
      used += row_ == 0 && whole > 0 ? feed_hops(level, samples + used, static_cast<int>(whole))
                                     : feed_some(samples + used, count - used);
    }
    return used;
  }

 private:
  std::size_t feed_hops(const Level& level, const float* samples, int hops) {
    level.fill(samples, static_cast<std::int32_t>(hop_), hops, static_cast<std::int32_t>(rows_),
               start_ + column_, stride_);
    column_ += hops;
    return static_cast<std::size_t>(hops) * hop_;
  }
  std::size_t feed_hops(const Level&, const double* samples, int) {
    return feed_some(samples, hop_);
  }

  // Up to the end of the hop.
  template <typename Sample>
  std::size_t feed_some(const Sample* samples, std::size_t count) {
    const std::size_t used = std::min<std::size_t>(count, hop_ - row_);
    double* to = start_ + column_;
    for (std::size_t i = 0; i < used && row_ + i < rows_; ++i)
      to[(row_ + i) * static_cast<std::size_t>(stride_)] = static_cast<double>(samples[i]);
    row_ += static_cast<std::uint32_t>(used);
    if (row_ == hop_) row_ = 0, ++column_;
    return used;
  }

  // Moves the columns that are still needed to the front.
  void make_room() {
    const auto left = static_cast<std::size_t>(stride_ - done_) * sizeof(double);
    for (std::uint32_t r = 0; r < rows_; ++r) {
      double* row = start_ + static_cast<std::size_t>(r) * static_cast<std::size_t>(stride_);
      std::memmove(row, row + done_, left);
    }
    column_ -= done_;
    done_ = 0;
  }

  std::uint32_t hop_, rows_;
  std::uint32_t overlap_;  // hops that a frame reaches into after its first
  std::uint32_t tail_;     // samples that it needs of the last of them
  std::int32_t stride_;
  double* start_ = nullptr;
  std::int32_t done_ = 0, column_ = 0;  // hops whose frames were taken; hops that are full
  std::uint32_t row_ = 0;               // samples in the hop that is not
};

}  // namespace tinyalm
