// The tables that a tile reads, made of a program once, when a handle is created.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "program.h"
#include "tile.h"

namespace tinyalm {

class Plan {
 public:
  // Columns of `stride` hops.
  Plan(const Program& program, std::int32_t stride);

  const Tables& tables() const { return tables_; }
  // Complex numbers that the largest stage works on.
  std::size_t most_points() const;

 private:
  void make_frames(const Program& program, std::int32_t stride);
  void make_stage(std::int32_t samples, std::int32_t n_fft);
  void make_mel(const Program& program);

  Tables tables_{};
  std::vector<std::int32_t> at_;
  std::vector<double> window_;
  std::deque<std::vector<double>> turns_;  // of all stages; what is in them never moves
  std::deque<std::vector<std::int32_t>> bins_;
  std::vector<std::uint32_t> bands_;
  std::vector<float> weights_;
};

}  // namespace tinyalm
