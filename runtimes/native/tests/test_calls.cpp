// Arguments that cannot be served come back as a status and a message, and change nothing.
#include <limits>
#include <tuple>

#include "allocations.h"
#include "check.h"

namespace {

constexpr size_t kMost = std::numeric_limits<size_t>::max();

}  // namespace

TEST(calls_take_a_null_handle) {
  tinyalm_logmel_info info;
  size_t frames = 12345;
  float value = 0;
  CHECK_EQUAL(std::string(tinyalm_logmel_last_error(nullptr)), "handle is null");
  CHECK_EQUAL(tinyalm_logmel_describe(nullptr, &info), TINYALM_NULL_POINTER);
  CHECK_EQUAL(tinyalm_logmel_set_output(nullptr, TINYALM_FLOAT32, 1, 0), TINYALM_NULL_POINTER);
  CHECK_EQUAL(tinyalm_logmel_frames(nullptr, 100000), 0u);
  CHECK_EQUAL(tinyalm_logmel_ready(nullptr, 100000, 1), 0u);
  CHECK_EQUAL(tinyalm_logmel_rest(nullptr), 0u);
  CHECK_EQUAL(tinyalm_logmel_run(nullptr, &value, TINYALM_FLOAT32, 1, &value, 1, &frames),
              TINYALM_NULL_POINTER);
  CHECK_EQUAL(tinyalm_logmel_push(nullptr, &value, TINYALM_FLOAT32, 1, 1, &value, 1, &frames),
              TINYALM_NULL_POINTER);
  CHECK_EQUAL(tinyalm_logmel_flush(nullptr, &value, 1, &frames), TINYALM_NULL_POINTER);
  CHECK_EQUAL(tinyalm_logmel_reset(nullptr), TINYALM_NULL_POINTER);
}

TEST(calls_take_null_buffers) {
  const Handle handle(front_end);
  const std::vector<float> samples(front_end.some_samples());
  const size_t count = samples.size(), room = tinyalm_logmel_frames(handle, count);
  Bytes output(handle.size(room));
  size_t frames = 12345;
  CHECK_EQUAL(tinyalm_logmel_describe(handle, nullptr), TINYALM_NULL_POINTER);
  CHECK_EQUAL(tinyalm_logmel_run(handle, samples.data(), TINYALM_FLOAT32, count, output.data(),
                                 room, nullptr),
              TINYALM_NULL_POINTER);
  CHECK_EQUAL(handle.error(), "frames is null");
  CHECK_EQUAL(
      tinyalm_logmel_run(handle, nullptr, TINYALM_FLOAT32, count, output.data(), room, &frames),
      TINYALM_NULL_POINTER);
  CHECK_EQUAL(handle.error(), "samples is null");
  CHECK_EQUAL(frames, 0u);
  CHECK_EQUAL(
      tinyalm_logmel_run(handle, samples.data(), TINYALM_FLOAT32, count, nullptr, room, &frames),
      TINYALM_NULL_POINTER);
  CHECK_EQUAL(handle.error(), "output is null");
  CHECK_EQUAL(tinyalm_logmel_run(handle, nullptr, TINYALM_INT16, 0, nullptr, 0, &frames),
              TINYALM_OK);
  CHECK_EQUAL(frames, 0u);
  CHECK_EQUAL(handle.error(), "");
  CHECK_EQUAL(tinyalm_logmel_flush(handle, nullptr, 0, nullptr), TINYALM_NULL_POINTER);
  CHECK_EQUAL(handle.error(), "frames is null");
  CHECK_EQUAL(tinyalm_logmel_push(handle, samples.data(), TINYALM_FLOAT32, count, 1, output.data(),
                                  room, nullptr),
              TINYALM_NULL_POINTER);
  if (!front_end.streamable()) return;
  CHECK_EQUAL(
      tinyalm_logmel_push(handle, nullptr, TINYALM_FLOAT32, 1, 1, output.data(), room, &frames),
      TINYALM_NULL_POINTER);
  CHECK_EQUAL(handle.error(), "samples is null");
  CHECK_EQUAL(tinyalm_logmel_push(handle, samples.data(), TINYALM_FLOAT32, count, 1, nullptr, room,
                                  &frames),
              TINYALM_NULL_POINTER);
  CHECK_EQUAL(handle.error(), "output is null");
  CHECK_EQUAL(tinyalm_logmel_rest(handle), 0u);
}

TEST(samples_are_floats_or_16_bit_integers) {
  const Handle handle(front_end);
  const float sample = 0;
  size_t frames = 12345;
  for (int32_t type : {-1, int{TINYALM_INT8}, int{TINYALM_UINT8}, 4, 1 << 30}) {
    CHECK_EQUAL(tinyalm_logmel_run(handle, &sample, type, 1, nullptr, 0, &frames),
                TINYALM_BAD_ARGUMENT);
    CHECK_EQUAL(handle.error(), "samples are FLOAT32 or INT16");
    CHECK_EQUAL(frames, 0u);
    if (!front_end.streamable()) continue;
    CHECK_EQUAL(tinyalm_logmel_push(handle, &sample, type, 1, 0, nullptr, 0, &frames),
                TINYALM_BAD_ARGUMENT);
  }
}

TEST(outputs_have_a_type_a_scale_and_a_zero_point) {
  const Handle handle(front_end);
  for (int32_t type : {-1, int{TINYALM_INT16}, 4}) {
    CHECK_EQUAL(tinyalm_logmel_set_output(handle, type, 1, 0), TINYALM_BAD_ARGUMENT);
    CHECK_EQUAL(handle.error(), "log-mels are FLOAT32, INT8 or UINT8");
  }
  const float infinity = std::numeric_limits<float>::infinity();
  for (float scale : {0.0f, -0.0f, -1.0f, infinity, -infinity, infinity - infinity}) {
    CHECK_EQUAL(tinyalm_logmel_set_output(handle, TINYALM_INT8, scale, 0), TINYALM_BAD_ARGUMENT);
    CHECK_EQUAL(handle.error(), "scale must be above 0 and finite");
    CHECK_EQUAL(tinyalm_logmel_set_output(handle, TINYALM_FLOAT32, scale, 999), TINYALM_OK);
  }
  for (const auto& [type, zero_point, status] :
       {std::tuple{TINYALM_INT8, -129, TINYALM_BAD_ARGUMENT},
        std::tuple{TINYALM_INT8, -128, TINYALM_OK}, std::tuple{TINYALM_INT8, 127, TINYALM_OK},
        std::tuple{TINYALM_INT8, 128, TINYALM_BAD_ARGUMENT},
        std::tuple{TINYALM_UINT8, -1, TINYALM_BAD_ARGUMENT},
        std::tuple{TINYALM_UINT8, 0, TINYALM_OK}, std::tuple{TINYALM_UINT8, 255, TINYALM_OK},
        std::tuple{TINYALM_UINT8, 256, TINYALM_BAD_ARGUMENT}}) {
    CHECK_EQUAL(tinyalm_logmel_set_output(handle, type, 1, zero_point), status);
    CHECK_EQUAL(handle.error(), status == TINYALM_OK ? "" : "zero_point is no value of the type");
  }
}

TEST(a_refused_output_leaves_the_one_before) {
  Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  handle.write(TINYALM_INT8, 0.05f, 3);
  const Bytes before = handle.run(samples);
  CHECK_EQUAL(tinyalm_logmel_set_output(handle, TINYALM_UINT8, -1, 0), TINYALM_BAD_ARGUMENT);
  CHECK(handle.run(samples) == before);
}

TEST(a_run_without_room_writes_nothing) {
  const Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  const size_t needed = tinyalm_logmel_frames(handle, samples.size());
  CHECK(needed > 2);
  for (size_t room : {size_t{0}, size_t{1}, needed - 1}) {
    Bytes output(handle.size(room), 0x5a);
    const Bytes before = output;
    size_t frames = 12345;
    CHECK_EQUAL(tinyalm_logmel_run(handle, samples.data(), TINYALM_INT16, samples.size(),
                                   output.data(), room, &frames),
                room == 0 ? TINYALM_NULL_POINTER : TINYALM_TOO_SMALL);
    CHECK_EQUAL(frames, 0u);
    CHECK(output == before);
    if (room > 0)
      CHECK_EQUAL(handle.error(), "the output has room for " + std::to_string(room) +
                                      " frames, and there are " + std::to_string(needed));
  }
}

TEST(pushes_and_flushes_without_room_consume_nothing) {
  if (!front_end.streamable()) return;
  const Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  const Bytes whole = handle.run(samples);
  const auto refused = [&](size_t needed, const auto& call) {
    for (size_t room = 1; room < needed; ++room) {
      Bytes output(handle.size(room), 0x5a);
      const Bytes before = output;
      size_t frames = 12345;
      CHECK_EQUAL(call(output.data(), room, &frames), TINYALM_TOO_SMALL);
      CHECK_EQUAL(frames, 0u);
      CHECK(!handle.error().empty());
      CHECK(output == before);
    }
  };
  Bytes found;
  const size_t half = samples.size() / 2;
  for (size_t start : {size_t{0}, half}) {
    const size_t count = start == 0 ? half : samples.size() - half;
    refused(tinyalm_logmel_ready(handle, count, 0), [&](void* output, size_t room, size_t* frames) {
      return tinyalm_logmel_push(handle, samples.data() + start, TINYALM_INT16, count, 0, output,
                                 room, frames);
    });
    append(found, handle.push(samples.data() + start, count, false));
  }
  refused(tinyalm_logmel_rest(handle), [&](void* output, size_t room, size_t* frames) {
    return tinyalm_logmel_flush(handle, output, room, frames);
  });
  append(found, handle.flush());
  CHECK(found == whole);
}

TEST(frames_are_those_of_the_spec) {
  const Handle handle(front_end);
  for (size_t samples = 0; samples < front_end.some_samples(); ++samples)
    CHECK_EQUAL(tinyalm_logmel_frames(handle, samples), front_end.frames(samples));
}

TEST(huge_counts_are_counted_or_refused) {
  const Handle handle(front_end);
  const size_t memory = kMost / 8;  // the most 64-bit numbers that can be addressed
  CHECK_EQUAL(tinyalm_logmel_frames(handle, memory), front_end.frames(memory));
  float sample = 0;
  size_t frames = 12345;
  CHECK_EQUAL(tinyalm_logmel_run(handle, &sample, TINYALM_FLOAT32, memory, &sample, 0, &frames),
              TINYALM_TOO_SMALL);
  CHECK_EQUAL(tinyalm_logmel_run(handle, &sample, TINYALM_INT16, kMost, &sample, kMost, &frames),
              TINYALM_BAD_ARGUMENT);
  CHECK_EQUAL(handle.error(), "more samples than memory can hold");
  CHECK_EQUAL(frames, 0u);
  if (!front_end.streamable()) return;
  handle.push(&sample, 1, false);
  const size_t ready = tinyalm_logmel_ready(handle, memory, 1);
  CHECK(ready <= front_end.frames(memory + 1) + front_end.at(field::drop_last));
  CHECK(ready + front_end.at(field::n_fft) >= front_end.frames(memory + 1));
  CHECK_EQUAL(tinyalm_logmel_push(handle, &sample, TINYALM_FLOAT32, memory, 1, &sample, 0, &frames),
              TINYALM_TOO_SMALL);
  CHECK_EQUAL(
      tinyalm_logmel_push(handle, &sample, TINYALM_FLOAT32, kMost, 1, &sample, kMost, &frames),
      TINYALM_BAD_ARGUMENT);
  CHECK_EQUAL(tinyalm_logmel_rest(handle), front_end.frames(1));
}

// A caller that reserves what these answer with must not be given a small number that wrapped.
TEST(counts_beyond_memory_do_not_wrap) {
  const Handle handle(front_end);
  const size_t memory = tinyalm_logmel_frames(handle, kMost / 8);
  const float sample = 0;
  if (front_end.streamable()) handle.push(&sample, 1, false);
  for (size_t count : {kMost, kMost - 1, kMost - front_end.at(field::n_fft)}) {
    CHECK(tinyalm_logmel_frames(handle, count) >= memory);
    CHECK(tinyalm_logmel_ready(handle, count, 1) >= memory - front_end.at(field::n_fft));
  }
}

TEST(calls_allocate_nothing) {
  Handle handle(front_end);
  const auto samples = noise(front_end.some_samples());
  const size_t most = tinyalm_logmel_frames(handle, samples.size()) + 2;
  const size_t created = allocations::count();
  CHECK(created > 0);
  Bytes output(handle.size(most));
  CHECK(allocations::count() > created);
  const auto floats = as_floats(samples);
  const size_t before = allocations::count();
  size_t frames = 0;
  for (int32_t type : {TINYALM_FLOAT32, TINYALM_INT8}) {
    bool good = tinyalm_logmel_set_output(handle, type, 0.1f, 0) == TINYALM_OK;
    good &= tinyalm_logmel_run(handle, samples.data(), TINYALM_INT16, samples.size(), output.data(),
                               most, &frames) == TINYALM_OK;
    good &= tinyalm_logmel_run(handle, floats.data(), TINYALM_FLOAT32, floats.size(), output.data(),
                               1, &frames) == TINYALM_TOO_SMALL;
    for (size_t start = 0; front_end.streamable() && start + 100 < samples.size(); start += 100)
      good &= tinyalm_logmel_push(handle, floats.data() + start, TINYALM_FLOAT32, 100, start & 1,
                                  output.data(), most, &frames) == TINYALM_OK;
    good &= tinyalm_logmel_flush(handle, output.data(), most, &frames) == TINYALM_OK;
    good &= tinyalm_logmel_reset(handle) == TINYALM_OK;
    CHECK(good);
  }
  CHECK_EQUAL(allocations::count(), before);
}
