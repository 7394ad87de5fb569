// Any program, any calls: the harness of libFuzzer, and of fuzz_main.cpp where there is none.
//
// An input is a script's length (2 bytes), a script, and a program. The script is read as calls and
// their arguments. What may be counted on is checked at every call; that nothing is read or written
// beyond its end is left to AddressSanitizer, for which every buffer is as large as it must be.
#include "fuzz_logmel.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tinyalm_logmel.h"

FuzzCounts fuzz_counts;

namespace {

#define MUST(condition)                                                          \
  do {                                                                           \
    if (condition) break;                                                        \
    std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    std::abort();                                                                \
  } while (false)

constexpr double kDearestCall = 1 << 14;  // in frames times points

class Script {
 public:
  Script(const uint8_t* bytes, size_t size) : next_(bytes), end_(bytes + size) {}

  bool ended() const { return next_ == end_; }
  uint32_t byte() { return ended() ? 0 : *next_++; }
  uint32_t word() {
    const uint32_t low = byte();
    return low + 256 * byte();
  }
  float real() {
    const uint32_t bits = word() + (word() << 16);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

 private:
  const uint8_t *next_, *end_;
};

// Silence, noise, and what no recording should hold.
std::vector<float> sound(Script& script, size_t count) {
  const uint32_t kind = script.byte();
  uint32_t state = script.byte();
  std::vector<float> samples(count);
  for (float& sample : samples) {
    state = state * 1664525 + 1013904223;
    sample = static_cast<float>(static_cast<int32_t>(state) >> 16) / 32768.0f;
    if (kind % 8 == 0) sample = 0;
    if (kind % 8 == 1) sample *= 1e-38f;
    if (kind % 8 == 2) sample *= 1e30f;
    if (kind % 8 == 3 && state >> 28 == 0) sample /= 0.0f;
    if (kind % 8 == 4) std::memcpy(&sample, &state, sizeof sample);
  }
  return samples;
}

bool same(float one, float other) {
  return std::memcmp(&one, &other, sizeof one) == 0 || (std::isnan(one) && std::isnan(other));
}

// A handle, and what is known of it.
class Session {
 public:
  Session(tinyalm_logmel* handle, Script& script, double points)
      : handle_(handle), script_(script), points_(points) {
    MUST(tinyalm_logmel_describe(handle, &info_) == TINYALM_OK);
    MUST(info_.n_mels > 0 && info_.tile > 0 && info_.hop_length > 0);
    dearest_ = std::max(kDearestCall, 2 * info_.tile * points);  // two tiles of any front end
  }

  void go() {
    while (!script_.ended() && cost_ < 4 * dearest_) {
      switch (script_.byte() % 8) {
        case 0:
          set_output();
          break;
        case 1:
          run();
          break;
        case 2:
          flush();
          break;
        case 3:
          reset();
          break;
        case 4:
          nonsense();
          break;
        default:
          push();
      }
    }
    finish();
  }

 private:
  size_t values(size_t frames) const { return frames * static_cast<size_t>(info_.n_mels); }

  bool too_dear(size_t frames) {
    // Whole tiles are computed, for however few frames.
    const double cost = (static_cast<double>(frames) + info_.tile) * points_;
    if (cost > dearest_) return true;
    cost_ += cost;
    return false;
  }

  size_t some_samples() {
    const uint32_t kind = script_.byte(), size = script_.byte();
    const auto hop = static_cast<size_t>(info_.hop_length);
    const auto frame = static_cast<size_t>(info_.frame_length);
    switch (kind % 8) {
      case 0:
        return size % 4;
      case 1:
        return size;
      case 2:
        return std::min<size_t>(hop * (size % 32), 1 << 16);
      case 3:
        return std::min<size_t>(hop + size % 5, 1 << 16);
      case 4:
        return frame - std::min<size_t>(frame, size % 3);
      case 5:
        return frame / 2 + size % 3;
      case 6:
        return frame + size % 3;
      default:
        return size * 16;
    }
  }

  void check(tinyalm_status status, tinyalm_status expected) {
    MUST(status == expected);
    MUST((tinyalm_logmel_last_error(handle_)[0] == '\0') == (expected == TINYALM_OK));
  }

  void set_output() {
    const int32_t type = static_cast<int32_t>(script_.byte() % 6) - 1;
    const float scale = script_.byte() % 2 ? 0.05f : script_.real();
    const int32_t zero_point = static_cast<int32_t>(script_.word() % 600) - 200;
    const int32_t low = type == TINYALM_INT8 ? -128 : 0;
    const bool good = type == TINYALM_FLOAT32 ||
                      ((type == TINYALM_INT8 || type == TINYALM_UINT8) && scale > 0 &&
                       std::isfinite(scale) && zero_point >= low && zero_point <= low + 255);
    check(tinyalm_logmel_set_output(handle_, type, scale, zero_point),
          good ? TINYALM_OK : TINYALM_BAD_ARGUMENT);
    if (!good) return;
    if (type != type_ || type != TINYALM_FLOAT32) compared_ = false;
    type_ = type;
  }

  // Calls `call(output, capacity, frames)` with just enough room, and now and then with too little.
  template <typename Call>
  std::vector<uint8_t> answer(size_t needed, Call call) {
    const size_t bytes = type_ == TINYALM_FLOAT32 ? sizeof(float) : 1;
    size_t frames = 12345;
    if (needed > 1 && script_.byte() % 8 == 0) {
      const size_t room = 1 + script_.byte() % (needed - 1);
      std::vector<uint8_t> output(values(room) * bytes, 0x5a);
      const std::vector<uint8_t> before = output;
      check(call(output.data(), room, &frames), TINYALM_TOO_SMALL);
      MUST(frames == 0 && output == before);
    }
    std::vector<uint8_t> output(values(needed) * bytes);
    check(call(output.data(), needed, &frames), TINYALM_OK);
    MUST(frames == needed);
    fuzz_counts.frames += needed;
    return output;
  }

  std::vector<uint8_t> run(const std::vector<float>& samples) {
    return answer(tinyalm_logmel_frames(handle_, samples.size()),
                  [&](void* output, size_t room, size_t* frames) {
                    return tinyalm_logmel_run(handle_, samples.data(), TINYALM_FLOAT32,
                                              samples.size(), output, room, frames);
                  });
  }

  void begin_stream() {
    heard_.clear();
    found_.clear();
    compared_ = type_ == TINYALM_FLOAT32;
  }

  void run() {
    const size_t count = some_samples(), needed = tinyalm_logmel_frames(handle_, count);
    MUST(static_cast<double>(needed) <= static_cast<double>(count) + points_);
    if (too_dear(needed)) return;
    run(sound(script_, count));
    MUST(tinyalm_logmel_rest(handle_) == 0);
    begin_stream();
  }

  void push() {
    const size_t count = some_samples();
    const int32_t at_once = script_.byte() % 2;
    const size_t needed = tinyalm_logmel_ready(handle_, count, at_once);
    if (too_dear(needed)) return;
    std::vector<float> samples = sound(script_, count);
    std::vector<int16_t> integers;
    if (script_.byte() % 2) {
      for (float& sample : samples) {
        const float scaled = sample * 32768.0f;
        integers.push_back(std::abs(scaled) < 32768.0f ? static_cast<int16_t>(scaled) : int16_t{1});
        sample = static_cast<float>(integers.back()) / 32768.0f;
      }
    }
    const bool floats = integers.size() != samples.size() || samples.empty();
    const void* data = floats ? static_cast<const void*>(samples.data()) : integers.data();
    const auto call = [&](void* output, size_t room, size_t* frames) {
      return tinyalm_logmel_push(handle_, data, floats ? TINYALM_FLOAT32 : TINYALM_INT16, count,
                                 at_once, output, room, frames);
    };
    if (!info_.streamable) {
      size_t frames = 12345;
      check(call(nullptr, 0, &frames), TINYALM_NOT_STREAMABLE);
      MUST(frames == 0);
      return;
    }
    const std::vector<uint8_t> output = answer(needed, call);
    found_.insert(found_.end(), output.begin(), output.end());
    heard_.insert(heard_.end(), samples.begin(), samples.end());
    MUST(tinyalm_logmel_ready(handle_, 0, 1) < static_cast<size_t>(at_once ? 1 : info_.tile));
  }

  void flush() {
    const size_t needed = tinyalm_logmel_rest(handle_);
    MUST(static_cast<double>(needed) <= static_cast<double>(heard_.size()) + points_);
    if (too_dear(needed)) return;
    const std::vector<uint8_t> output =
        answer(needed, [&](void* frames, size_t room, size_t* written) {
          return tinyalm_logmel_flush(handle_, frames, room, written);
        });
    found_.insert(found_.end(), output.begin(), output.end());
    const size_t whole = tinyalm_logmel_frames(handle_, heard_.size());
    if (compared_ && !too_dear(whole)) {
      const std::vector<uint8_t> expected = run(heard_);
      MUST(expected.size() == found_.size());
      for (size_t i = 0; i < expected.size(); i += sizeof(float)) {
        float one, other;
        std::memcpy(&one, &expected[i], sizeof one);
        std::memcpy(&other, &found_[i], sizeof other);
        MUST(same(one, other));
      }
      ++fuzz_counts.streams;
    }
    begin_stream();
  }

  void reset() {
    check(tinyalm_logmel_reset(handle_), TINYALM_OK);
    MUST(tinyalm_logmel_rest(handle_) == 0);
    begin_stream();
  }

  // Arguments that no caller should pass; what was pushed before stays as it is.
  void nonsense() {
    const size_t rest = tinyalm_logmel_rest(handle_);
    const float sample = 0;
    size_t frames = 12345;
    const auto type = static_cast<int32_t>(script_.word()) - 7;
    const bool known = type == TINYALM_FLOAT32 || type == TINYALM_INT16;
    if (!known)
      check(tinyalm_logmel_run(handle_, &sample, type, 1, nullptr, 0, &frames),
            TINYALM_BAD_ARGUMENT);
    check(tinyalm_logmel_run(handle_, &sample, TINYALM_FLOAT32, 1, nullptr, 0, nullptr),
          TINYALM_NULL_POINTER);
    check(tinyalm_logmel_run(handle_, nullptr, TINYALM_INT16, 1, nullptr, 9, &frames),
          TINYALM_NULL_POINTER);
    check(tinyalm_logmel_run(handle_, &sample, TINYALM_INT16, SIZE_MAX - script_.word(), nullptr, 9,
                             &frames),
          TINYALM_BAD_ARGUMENT);
    MUST(tinyalm_logmel_describe(handle_, nullptr) == TINYALM_NULL_POINTER);
    MUST(tinyalm_logmel_rest(handle_) == rest);
    tinyalm_logmel_ready(handle_, SIZE_MAX, 0);
    tinyalm_logmel_frames(handle_, SIZE_MAX - script_.word());
  }

  void finish() {
    if (info_.streamable && !heard_.empty()) flush();
  }

  tinyalm_logmel* handle_;
  Script& script_;
  double points_;
  tinyalm_logmel_info info_;
  double cost_ = 0, dearest_;
  int32_t type_ = TINYALM_FLOAT32;
  // The stream so far; compared with the whole where all of it is floats.
  std::vector<float> heard_;
  std::vector<uint8_t> found_;
  bool compared_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t length = std::min<size_t>(data[0] + 256 * data[1], size - 2);
  Script script(data + 2, length);
  const std::vector<uint8_t> program(data + 2 + length, data + size);
  int32_t level = static_cast<int32_t>(script.byte() % 7) - 1;
  if (!tinyalm_logmel_has_level(level) && script.byte() % 16) level = TINYALM_LEVEL_BEST;
  auto* handle = reinterpret_cast<tinyalm_logmel*>(1);
  char message[80] = "";
  const tinyalm_status status = tinyalm_logmel_create(program.data(), program.size(), level,
                                                      &handle, message, sizeof message);
  MUST((handle != nullptr) == (status == TINYALM_OK));
  MUST((message[0] == '\0') == (status == TINYALM_OK));
  ++fuzz_counts.inputs;
  if (status != TINYALM_OK) return 0;
  ++fuzz_counts.handles;
  uint32_t n_fft;
  std::memcpy(&n_fft, program.data() + 20, sizeof n_fft);
  Session(handle, script, n_fft).go();
  tinyalm_logmel_destroy(handle);
  return 0;
}
