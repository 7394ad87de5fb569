// Front ends, handles and sounds for the tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tinyalm_logmel.h"

using Bytes = std::vector<unsigned char>;

// Where the fields of a program are (docs/front-end.md).
namespace field {
constexpr size_t version = 8, length = 12, sample_rate = 16, n_fft = 20, frame_length = 24;
constexpr size_t hop_length = 28, window_start = 32, win_length = 36, padding = 40, drop_last = 44;
constexpr size_t round_int16 = 48, power = 52, n_mels = 56, weights = 60, preemphasis = 64;
constexpr size_t log_offset = 72, log_floor = 80, log_scale = 88, log_shift = 96, range = 104;
constexpr size_t window = 112;
}  // namespace field

template <typename T>
T get(const Bytes& program, size_t at) {
  T value;
  std::memcpy(&value, program.data() + at, sizeof value);
  return value;
}

template <typename T>
Bytes with(Bytes program, size_t at, T value) {
  std::memcpy(program.data() + at, &value, sizeof value);
  return program;
}

struct FrontEnd {
  std::string name;
  Bytes program;
  int level;

  uint32_t at(size_t offset) const { return get<uint32_t>(program, offset); }
  double real(size_t offset) const { return get<double>(program, offset); }
  bool streamable() const { return real(field::range) == 0; }
  size_t bands_at() const { return field::window + 8 * size_t{at(field::win_length)}; }
  size_t weights_at() const { return bands_at() + 8 * size_t{at(field::n_mels)}; }

  // What tinyalm.frontend.LogMelSpec.frames computes.
  uint64_t frames(uint64_t samples) const;
  // Samples that give some tiles of frames and a rest.
  size_t some_samples() const {
    return at(field::frame_length) + 18 * size_t{at(field::hop_length)} + 3;
  }
};

// A handle that frees itself; what it answers with is checked.
class Handle {
 public:
  explicit Handle(const FrontEnd& front_end);
  ~Handle() { tinyalm_logmel_destroy(handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  operator tinyalm_logmel*() const { return handle_; }
  tinyalm_logmel_info info() const;
  std::string error() const { return tinyalm_logmel_last_error(handle_); }

  void write(int32_t type, float scale, int32_t zero_point);
  // Bytes that so many frames fill. Buffers are exactly as large, so that a sanitizer sees more.
  size_t size(size_t frames) const { return frames * info().n_mels * value_; }

  Bytes run(const std::vector<float>& samples) const;
  Bytes run(const std::vector<int16_t>& samples) const;
  Bytes push(const float* samples, size_t count, bool at_once) const;
  Bytes push(const int16_t* samples, size_t count, bool at_once) const;
  Bytes flush() const;

 private:
  Bytes run(const void* samples, int32_t type, size_t count) const;
  Bytes push(const void* samples, int32_t type, size_t count, bool at_once) const;

  tinyalm_logmel* handle_ = nullptr;
  size_t value_ = sizeof(float);
};

// Numbers that are the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint32_t next();
  uint32_t below(uint32_t limit) { return next() % limit; }

 private:
  uint64_t state_;
};

// Noise, of which every value is that of a 16-bit sample.
std::vector<int16_t> noise(size_t count);
std::vector<float> as_floats(const std::vector<int16_t>& samples);

inline void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
