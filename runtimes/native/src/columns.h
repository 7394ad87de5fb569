// The samples that frames are still to be made of, hop by hop in columns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

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

  // Takes samples until there is no room; answers with how many. So many as `readable` may be read.
  template <typename Sample>
  std::size_t feed(const Level& level, const Sample* samples, std::size_t count,
                   std::size_t readable) {
    if (column_ == stride_) make_room();
    std::size_t used = 0;
    while (used < count && column_ < stride_) {
      const std::size_t hops = row_ == 0 ? (count - used) / hop_ : 0;
      used += hops > 0 ? feed_hops(level, samples + used, hops, (readable - used) / hop_)
                       : feed_some(samples + used, count - used);
    }
    return used;
  }

 private:
  // Whole tiles of hops are filled fastest: what is too much is written over by the next samples.
  std::size_t feed_hops(const Level& level, const float* samples, std::size_t hops,
                        std::size_t readable) {
    const auto room = static_cast<std::size_t>(stride_ - column_);
    const auto lanes = static_cast<std::size_t>(level.lanes);
    const std::size_t taken = std::min(hops, room);
    const std::size_t filled = std::min({(taken + lanes - 1) / lanes * lanes, readable, room});
    level.fill(samples, static_cast<std::int32_t>(hop_), static_cast<int>(filled),
               static_cast<std::int32_t>(rows_), start_ + column_, stride_);
    column_ += static_cast<std::int32_t>(taken);
    return taken * hop_;
  }
  std::size_t feed_hops(const Level&, const double* samples, std::size_t, std::size_t) {
    return feed_some(samples, hop_);
  }

  // Up to the end of the hop.
  template <typename Sample>
  std::size_t feed_some(const Sample* samples, std::size_t count) {
    const std::size_t used = std::min<std::size_t>(count, hop_ - row_);
    const std::size_t kept = row_ < rows_ ? std::min<std::size_t>(used, rows_ - row_) : 0;
    const std::ptrdiff_t stride = stride_;
    double* to = start_ + column_ + static_cast<std::ptrdiff_t>(row_) * stride;
    const Sample* from = samples;
    const Sample* end = samples + kept;
    for (; end - from >= 4; from += 4, to += 4 * stride) {
      to[0] = static_cast<double>(from[0]);
      to[stride] = static_cast<double>(from[1]);
      to[2 * stride] = static_cast<double>(from[2]);
      to[3 * stride] = static_cast<double>(from[3]);
    }
    for (; from < end; ++from, to += stride) *to = static_cast<double>(*from);
    row_ += static_cast<std::uint32_t>(used);
    if (row_ == hop_) row_ = 0, ++column_;
    return used;
  }

  // Moves the columns that are still needed to the front, two at once. They are few and the rows
  // many: that is several times faster than a memmove for each row.
  void make_room() {
    std::int32_t to = 0;
    for (; done_ + to + 1 < stride_; to += 2) move_columns<2>(to);
    if (done_ + to < stride_) move_columns<1>(to);
    column_ -= done_;
    done_ = 0;
  }

  template <int Count>
  void move_columns(std::int32_t to) {
    double* place = start_ + to;
    for (std::uint32_t r = 0; r < rows_; ++r, place += stride_) {
      double moved[Count];
      std::memcpy(moved, place + done_, sizeof moved);
      std::memcpy(place, moved, sizeof moved);
    }
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
