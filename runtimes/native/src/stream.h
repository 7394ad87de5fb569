// Samples of any number in, log-mel frames out: conversion, padding, columns, tiles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "columns.h"
#include "plan.h"
#include "program.h"
#include "tile.h"

namespace tinyalm {

class Stream {
 public:
  Stream(Program program, const Level& level);

  const Program& program() const { return program_; }
  int lanes() const { return level_.lanes; }

  // The next frames go to `output`, which must have room for all that come.
  void write_to(const Output& output) { output_ = output; }

  void reset();
  // Takes samples and writes the frames that they complete, by whole tiles or `at_once`.
  template <typename Sample>
  void push(const Sample* samples, std::size_t count, bool at_once);
  // Writes the frames that are left; a reset has to follow.
  void flush();

  // Frames that a push of so many samples, or a flush, would write now.
  std::uint64_t ready(std::uint64_t samples, bool at_once) const;
  std::uint64_t rest() const { return program_.frames(heard_) - written_; }
  // The largest value since the last reset, if the program asks for it.
  float loudest() const { return loudest_; }

 private:
  void prepare(const std::int16_t* samples, std::size_t count);
  void prepare(const float* samples, std::size_t count);
  double rounded(float sample) const;
  template <typename Sample>
  void pad(const Sample* samples, std::size_t count);
  std::uint64_t early() const;
  template <typename Sample>
  void remember(const Sample* samples, std::size_t count);
  double reflected(std::int64_t index) const;
  void feed_reflected(std::int64_t from, std::int64_t to);
  std::uint64_t complete(std::uint64_t samples) const;
  void feed(const float* samples, std::size_t count);
  void feed(const double* samples, std::size_t count);
  void spill();
  template <typename Sample>
  void to_columns(const Sample* samples, std::size_t count, std::size_t readable);
  void tiles(int least);

  Program program_;
  const Level& level_;
  Columns columns_;
  Plan plan_;
  std::vector<double> doubles_;  // columns and spectrum, which are aligned in it
  std::vector<float> floats_;    // power and mel
  Scratch scratch_{};
  Output output_{};

  std::vector<float> converted_;  // blocks of samples on their way
  std::vector<double> prepared_, edge_;
  std::vector<float> gathered_;  // short pushes: a tile of hops, and a hop that may be read
  std::size_t most_gathered_ = 0, gathered_count_ = 0;
  std::vector<double> recent_;  // the last prepared samples that a reflection may need, as a ring

  std::uint64_t heard_ = 0, framed_ = 0, written_ = 0;  // samples, prepared samples, frames
  bool begun_ = false;                                  // whether `previous_` is a sample
  double previous_ = 0;                                 // for pre-emphasis
  float loudest_ = 0;
};

}  // namespace tinyalm
