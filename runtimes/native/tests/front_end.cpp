#include "front_end.h"

#include "check.h"

uint64_t FrontEnd::frames(uint64_t samples) const {
  if (real(field::preemphasis) != 0 && samples > 0) --samples;
  if (samples == 0) return 0;
  const uint64_t padded = samples + (at(field::padding) == 0 ? 0 : at(field::n_fft) / 2 * 2);
  if (padded < at(field::frame_length)) return 0;
  return 1 + (padded - at(field::frame_length)) / at(field::hop_length) - at(field::drop_last);
}

Handle::Handle(const FrontEnd& front_end) {
  char message[200] = "untouched";
  const Bytes& program = front_end.program;
  CHECK_EQUAL(tinyalm_logmel_create(program.data(), program.size(), front_end.level, &handle_,
                                    message, sizeof message),
              TINYALM_OK);
  CHECK_EQUAL(std::string(message), "");
}

tinyalm_logmel_info Handle::info() const {
  tinyalm_logmel_info info;
  CHECK_EQUAL(tinyalm_logmel_describe(handle_, &info), TINYALM_OK);
  return info;
}

void Handle::write(int32_t type, float scale, int32_t zero_point) {
  CHECK_EQUAL(tinyalm_logmel_set_output(handle_, type, scale, zero_point), TINYALM_OK);
  value_ = type == TINYALM_FLOAT32 ? sizeof(float) : 1;
}

Bytes Handle::run(const void* samples, int32_t type, size_t count) const {
  const size_t expected = tinyalm_logmel_frames(handle_, count);
  Bytes output(size(expected));
  size_t frames = 12345;
  CHECK_EQUAL(tinyalm_logmel_run(handle_, samples, type, count, output.data(), expected, &frames),
              TINYALM_OK);
  CHECK_EQUAL(frames, expected);
  CHECK_EQUAL(error(), "");
  return output;
}

Bytes Handle::push(const void* samples, int32_t type, size_t count, bool at_once) const {
  const size_t expected = tinyalm_logmel_ready(handle_, count, at_once);
  Bytes output(size(expected));
  size_t frames = 12345;
  CHECK_EQUAL(
      tinyalm_logmel_push(handle_, samples, type, count, at_once, output.data(), expected, &frames),
      TINYALM_OK);
  CHECK_EQUAL(frames, expected);
  CHECK_EQUAL(error(), "");
  return output;
}

Bytes Handle::run(const std::vector<float>& samples) const {
  return run(samples.data(), TINYALM_FLOAT32, samples.size());
}

Bytes Handle::run(const std::vector<int16_t>& samples) const {
  return run(samples.data(), TINYALM_INT16, samples.size());
}

Bytes Handle::push(const float* samples, size_t count, bool at_once) const {
  return push(samples, TINYALM_FLOAT32, count, at_once);
}

Bytes Handle::push(const int16_t* samples, size_t count, bool at_once) const {
  return push(samples, TINYALM_INT16, count, at_once);
}

Bytes Handle::flush() const {
  const size_t expected = tinyalm_logmel_rest(handle_);
  Bytes output(size(expected));
  size_t frames = 12345;
  CHECK_EQUAL(tinyalm_logmel_flush(handle_, output.data(), expected, &frames), TINYALM_OK);
  CHECK_EQUAL(frames, expected);
  CHECK_EQUAL(error(), "");
  return output;
}

uint32_t Random::next() {
  state_ = state_ * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state_ >> 33);
}

std::vector<int16_t> noise(size_t count) {
  Random random(count);
  std::vector<int16_t> samples(count);
  for (int16_t& sample : samples)
    sample = static_cast<int16_t>(static_cast<int>(random.below(65536)) - 32768);
  return samples;
}

std::vector<float> as_floats(const std::vector<int16_t>& samples) {
  std::vector<float> floats;
  for (int16_t sample : samples) floats.push_back(static_cast<float>(sample) / 32768.0f);
  return floats;
}
