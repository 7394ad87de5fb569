// A front end as bytes, parsed and checked; docs/front-end.md lists the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tinyalm {

enum class Padding : std::uint32_t { none = 0, reflect = 1, constant = 2 };

struct Band {
  std::uint32_t first_bin;
  std::uint32_t weights;
};

struct Program {
  std::uint32_t sample_rate, n_fft, frame_length, hop_length, window_start, win_length;
  Padding padding;
  bool drop_last, round_int16;
  std::uint32_t power, n_mels;
  double preemphasis, log_offset, log_floor;
  double log_scale, log_shift;  // normalised log-mel = ln(level) * log_scale + log_shift
  double range;                 // kept below the loudest value of the recording; 0: all
  std::vector<double> window;   // [win_length]
  std::vector<Band> bands;      // [n_mels]
  std::vector<float> weights;   // of all bands, one after the other

  std::uint32_t pad() const { return padding == Padding::none ? 0 : n_fft / 2; }
  std::uint32_t bins() const { return n_fft / 2 + 1; }

  // Samples that are left of so many for framing.
  std::uint64_t prepared(std::uint64_t samples) const {
    return preemphasis != 0 && samples > 0 ? samples - 1 : samples;
  }

  // Frames of a whole recording.
  std::uint64_t frames(std::uint64_t samples) const;
};

// Fills `program`, or answers with one line that says what is wrong; "" where nothing is.
std::string parse(const void* bytes, std::size_t size, Program& program);

}  // namespace tinyalm
