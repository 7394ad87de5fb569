// Whole recordings, streams, and the numbers that come out.
#include <algorithm>
#include <cmath>

#include "check.h"

namespace {

std::vector<float> values(const Bytes& floats) {
  std::vector<float> found(floats.size() / sizeof(float));
  std::memcpy(found.data(), floats.data(), floats.size());
  return found;
}

// Noise and then silence, which a range cuts off.
std::vector<int16_t> burst(const FrontEnd& front_end) {
  auto samples = noise(front_end.some_samples());
  samples.resize(2 * samples.size());
  return samples;
}

// Frames that are complete after so many samples, whatever may still come.
uint64_t complete(const FrontEnd& front_end, uint64_t samples) {
  const uint64_t framed = samples - (front_end.real(field::preemphasis) != 0 && samples > 0);
  const uint64_t pad = front_end.at(field::padding) == 0 ? 0 : front_end.at(field::n_fft) / 2;
  // A reflection needs the sample that it ends at.
  if (framed == 0 || (front_end.at(field::padding) == 1 && framed <= pad)) return 0;
  const uint64_t padded = framed + pad, length = front_end.at(field::frame_length);
  return padded < length ? 0 : 1 + (padded - length) / front_end.at(field::hop_length);
}

// What a stream gives in pushes that `size` answers the lengths of; every count is checked.
template <typename Sample, typename Size>
Bytes streamed(const FrontEnd& front_end, const Handle& handle, const std::vector<Sample>& samples,
               bool at_once, Size size) {
  const auto tile = static_cast<uint64_t>(handle.info().tile);
  Bytes found;
  size_t done = 0;
  uint64_t written = 0;
  while (done < samples.size()) {
    const size_t count = std::min<size_t>(size(), samples.size() - done);
    const Bytes block(handle.push(samples.data() + done, count, at_once));
    done += count;
    append(found, block);
    written += block.size() / handle.size(1);
    const uint64_t waiting = complete(front_end, done) - written;
    CHECK(waiting < (at_once ? 1 : tile));
    CHECK_EQUAL(tinyalm_logmel_ready(handle, 0, 1), waiting);
    CHECK_EQUAL(tinyalm_logmel_ready(handle, 0, 0), 0u);
    CHECK_EQUAL(tinyalm_logmel_rest(handle), front_end.frames(done) - written);
  }
  append(found, handle.flush());
  CHECK_EQUAL(tinyalm_logmel_rest(handle), 0u);
  return found;
}

}  // namespace

TEST(streams_equal_the_whole_bit_for_bit) {
  if (!front_end.streamable()) return;
  const Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  const Bytes whole = handle.run(samples);
  const std::vector<float> floats = as_floats(samples);
  for (bool at_once : {false, true}) {
    for (size_t size : {size_t{1}, size_t{7}, size_t{160}, size_t{1024}, samples.size()}) {
      CHECK(streamed(front_end, handle, floats, at_once, [=] { return size; }) == whole);
      CHECK(streamed(front_end, handle, samples, at_once, [=] { return size; }) == whole);
    }
    Random random(1);
    for (int i = 0; i < 3; ++i)
      CHECK(streamed(front_end, handle, floats, at_once,
                     [&] { return random.below(random.below(4) ? 40 : 4000); }) == whole);
  }
}

TEST(short_recordings_stream_too) {
  if (!front_end.streamable()) return;
  const Handle handle(front_end);
  const size_t half = front_end.at(field::n_fft) / 2, frame = front_end.at(field::frame_length);
  for (size_t size : {size_t{0}, size_t{1}, size_t{2}, size_t{3}, half / 2, half, half + 1,
                      half + 2, frame - 1, frame, frame + 1, frame + 2}) {
    const auto samples = noise(size);
    for (bool at_once : {false, true})
      CHECK(streamed(front_end, handle, samples, at_once, [] { return 61; }) ==
            handle.run(samples));
  }
}

TEST(pushes_may_change_their_type_and_haste) {
  if (!front_end.streamable()) return;
  const Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  const auto floats = as_floats(samples);
  Random random(2);
  Bytes found;
  for (size_t done = 0; done < samples.size();) {
    const size_t count = std::min<size_t>(random.below(300), samples.size() - done);
    append(found, random.below(2) ? handle.push(floats.data() + done, count, random.below(2))
                                  : handle.push(samples.data() + done, count, random.below(2)));
    done += count;
  }
  append(found, handle.flush());
  CHECK(found == handle.run(samples));
}

TEST(a_stream_ends_with_flush_reset_or_run) {
  if (!front_end.streamable()) return;
  const Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  const Bytes whole = handle.run(samples);
  for (int round = 0; round < 4; ++round) {
    Bytes found = handle.push(samples.data(), samples.size(), false);
    append(found, handle.flush());
    CHECK(found == whole);
    const size_t half = samples.size() / 2;
    for (size_t done = 0; done < half; done += 50)
      handle.push(samples.data() + done, std::min<size_t>(50, half - done), round % 2);
    if (round < 2)
      CHECK_EQUAL(tinyalm_logmel_reset(handle), TINYALM_OK);
    else
      CHECK(handle.run(samples) == whole);
    CHECK_EQUAL(tinyalm_logmel_rest(handle), 0u);
    CHECK(handle.flush().empty());
  }
}

TEST(a_run_leaves_nothing_for_the_next) {
  const Handle used(front_end), fresh(front_end);
  const auto loud = noise(front_end.some_samples());
  std::vector<int16_t> quiet;
  for (int16_t sample : loud) quiet.push_back(static_cast<int16_t>(sample / 10000));
  used.run(loud);
  CHECK(used.run(quiet) == fresh.run(quiet));
}

TEST(handles_do_not_see_each_other) {
  const Handle one(front_end), other(front_end);
  const auto samples = noise(front_end.some_samples());
  const Bytes whole = one.run(samples);
  if (front_end.streamable()) one.push(samples.data(), samples.size() / 2, false);
  CHECK(other.run(samples) == whole);
}

TEST(front_ends_with_a_range_take_whole_recordings_only) {
  if (front_end.streamable()) return;
  const Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  size_t frames = 12345;
  CHECK_EQUAL(tinyalm_logmel_push(handle, samples.data(), TINYALM_INT16, 1, 0, nullptr, 0, &frames),
              TINYALM_NOT_STREAMABLE);
  CHECK_EQUAL(handle.error(), "top_db needs the whole recording; use run");
  CHECK_EQUAL(frames, 0u);
  const std::vector<float> found = values(handle.run(burst(front_end)));
  const auto [least, loudest] = std::minmax_element(found.begin(), found.end());
  const float bound = *loudest - static_cast<float>(front_end.real(field::range));
  const double silence =
      std::log(front_end.real(field::log_offset) + front_end.real(field::log_floor)) *
          front_end.real(field::log_scale) +
      front_end.real(field::log_shift);
  if (silence < static_cast<double>(bound))
    CHECK_EQUAL(*least, bound);
  else
    CHECK(*least > bound);
}

TEST(quantized_values_are_those_of_the_floats) {
  Handle handle(front_end);
  const auto samples = burst(front_end);
  const std::vector<float> floats = values(handle.run(samples));
  for (int32_t type : {TINYALM_INT8, TINYALM_UINT8}) {
    const int low = type == TINYALM_INT8 ? -128 : 0;
    const struct {
      float scale;
      int zero_point;
    } outputs[] = {{0.001f, low + 255},
                   {0.037f, low + 77},
                   {0.5f, low},
                   {1e-45f, low + 9},
                   {3e38f, low + 200}};
    for (const auto& [scale, zero_point] : outputs) {
      handle.write(type, scale, zero_point);
      const Bytes found = handle.run(samples);
      CHECK_EQUAL(found.size(), floats.size());
      for (size_t i = 0; i < found.size(); ++i) {
        const float rounded = std::nearbyint(floats[i] / scale) + static_cast<float>(zero_point);
        const auto expected = static_cast<int>(
            std::clamp(rounded, static_cast<float>(low), static_cast<float>(low + 255)));
        CHECK_EQUAL(type == TINYALM_INT8 ? static_cast<int8_t>(found[i]) : int{found[i]}, expected);
      }
    }
  }
}

TEST(quantized_streams_equal_the_whole) {
  if (!front_end.streamable()) return;
  Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  handle.write(TINYALM_UINT8, 0.05f, 128);
  const Bytes whole = handle.run(samples);
  for (bool at_once : {false, true})
    CHECK(streamed(front_end, handle, samples, at_once, [] { return 33; }) == whole);
}
