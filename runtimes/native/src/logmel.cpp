// The C interface: arguments are checked here and nowhere below.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "stream.h"
#include "tinyalm_logmel.h"

using tinyalm::Level;

struct tinyalm_logmel {
  tinyalm_logmel(tinyalm::Program program, const Level& kernel, tinyalm_level chosen)
      : stream(std::move(program), kernel), level(chosen) {}

  tinyalm::Stream stream;
  tinyalm_level level;
  tinyalm::Output output{TINYALM_FLOAT32, 1.0f, 0.0f, nullptr};
  char error[200] = "";
};

namespace {

// Of recordings that memory can hold; with more, sums of counts could wrap.
constexpr size_t kMostSamples = std::numeric_limits<size_t>::max() / 8;

// The kernel of a level that this processor runs, or null.
const Level* kernel(int level) {
  switch (level) {
#if defined(__aarch64__)
    case TINYALM_LEVEL_NEON:
      return &tinyalm::kBaseline;
#else
    case TINYALM_LEVEL_PORTABLE:
      return &tinyalm::kBaseline;
#endif
#if defined(__x86_64__)
    case TINYALM_LEVEL_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &tinyalm::kAvx2
                                                                             : nullptr;
    case TINYALM_LEVEL_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
                 ? &tinyalm::kAvx512
                 : nullptr;
#endif
    default:
      return nullptr;
  }
}

int best_level() {
  for (int level = TINYALM_LEVEL_NEON; level > TINYALM_LEVEL_PORTABLE; --level)
    if (kernel(level) != nullptr) return level;
  return TINYALM_LEVEL_PORTABLE;
}

tinyalm_status fail(tinyalm_logmel* handle, tinyalm_status status, const char* message) {
  std::snprintf(handle->error, sizeof handle->error, "%s", message);
  return status;
}

tinyalm_status pass(tinyalm_logmel* handle) {
  handle->error[0] = '\0';
  return TINYALM_OK;
}

tinyalm_status check_samples(tinyalm_logmel* handle, const void* samples, int type, size_t count) {
  if (type != TINYALM_FLOAT32 && type != TINYALM_INT16)
    return fail(handle, TINYALM_BAD_ARGUMENT, "samples are FLOAT32 or INT16");
  if (samples == nullptr && count > 0) return fail(handle, TINYALM_NULL_POINTER, "samples is null");
  if (count > kMostSamples)
    return fail(handle, TINYALM_BAD_ARGUMENT, "more samples than memory can hold");
  return TINYALM_OK;
}

tinyalm_status check_room(tinyalm_logmel* handle, const void* output, size_t capacity,
                          uint64_t needed) {
  if (output == nullptr && needed > 0) return fail(handle, TINYALM_NULL_POINTER, "output is null");
  if (capacity < needed) {
    std::snprintf(handle->error, sizeof handle->error,
                  "the output has room for %zu frames, and there are %llu", capacity,
                  static_cast<unsigned long long>(needed));
    return TINYALM_TOO_SMALL;
  }
  return TINYALM_OK;
}

void push(tinyalm_logmel* handle, const void* samples, int type, size_t count, bool at_once) {
  if (type == TINYALM_INT16)
    handle->stream.push(static_cast<const int16_t*>(samples), count, at_once);
  else
    handle->stream.push(static_cast<const float*>(samples), count, at_once);
}

void write_to(tinyalm_logmel* handle, void* frames) {
  handle->output.frames = frames;
  handle->stream.write_to(handle->output);
}

template <typename Value>
void raise_to(Value least, Value* values, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (values[i] < least) values[i] = least;
}

// Lifts what lies more than the program's range below the loudest value. Quantization keeps order,
// so that quantized values can be lifted to the quantized bound.
void clamp_range(const tinyalm_logmel* handle, void* output, size_t values) {
  const tinyalm::Output& out = handle->output;
  const float least = handle->stream.loudest() - static_cast<float>(handle->stream.program().range);
  if (out.type == TINYALM_FLOAT32) return raise_to(least, static_cast<float*>(output), values);
  const float low = out.type == TINYALM_INT8 ? -128.0f : 0.0f;
  const float bound = std::nearbyint(least / out.scale) + out.zero_point;  // half to even
  const auto saturated = static_cast<int>(std::min(std::max(bound, low), low + 255.0f));
  if (out.type == TINYALM_INT8)
    raise_to(static_cast<int8_t>(saturated), static_cast<int8_t*>(output), values);
  else
    raise_to(static_cast<uint8_t>(saturated), static_cast<uint8_t*>(output), values);
}

}  // namespace

int32_t tinyalm_logmel_abi(void) { return TINYALM_LOGMEL_ABI; }

int32_t tinyalm_logmel_has_level(int32_t level) {
  return level == TINYALM_LEVEL_BEST || kernel(level) != nullptr;
}

tinyalm_status tinyalm_logmel_create(const void* program, size_t program_size, int32_t level,
                                     tinyalm_logmel** handle, char* message, size_t message_size) {
  const auto refuse = [&](tinyalm_status status, const char* why) {
    if (message != nullptr && message_size > 0) std::snprintf(message, message_size, "%s", why);
    return status;
  };
  if (handle == nullptr) return refuse(TINYALM_NULL_POINTER, "handle is null");
  *handle = nullptr;
  if (program == nullptr) return refuse(TINYALM_NULL_POINTER, "program is null");
  if (level < TINYALM_LEVEL_BEST || level > TINYALM_LEVEL_NEON)
    return refuse(TINYALM_BAD_ARGUMENT, "unknown level");
  const int chosen = level == TINYALM_LEVEL_BEST ? best_level() : level;
  const Level* found = kernel(chosen);
  if (found == nullptr)
    return refuse(TINYALM_NO_SUCH_LEVEL, "this processor or this build does not have the level");
  try {
    tinyalm::Program parsed;
    const std::string wrong = tinyalm::parse(program, program_size, parsed);
    if (!wrong.empty()) return refuse(TINYALM_BAD_PROGRAM, wrong.c_str());
    *handle = new tinyalm_logmel(std::move(parsed), *found, static_cast<tinyalm_level>(chosen));
  } catch (const std::bad_alloc&) {
    return refuse(TINYALM_OUT_OF_MEMORY, "out of memory");
  }
  return refuse(TINYALM_OK, "");
}

void tinyalm_logmel_destroy(tinyalm_logmel* handle) { delete handle; }

const char* tinyalm_logmel_last_error(const tinyalm_logmel* handle) {
  return handle == nullptr ? "handle is null" : handle->error;
}

tinyalm_status tinyalm_logmel_describe(const tinyalm_logmel* handle, tinyalm_logmel_info* info) {
  if (handle == nullptr || info == nullptr) return TINYALM_NULL_POINTER;
  const tinyalm::Program& p = handle->stream.program();
  info->sample_rate = static_cast<int32_t>(p.sample_rate);
  info->n_mels = static_cast<int32_t>(p.n_mels);
  info->hop_length = static_cast<int32_t>(p.hop_length);
  info->frame_length = static_cast<int32_t>(p.frame_length);
  info->level = handle->level;
  info->tile = handle->stream.lanes();
  info->streamable = p.range == 0;
  return TINYALM_OK;
}

tinyalm_status tinyalm_logmel_set_output(tinyalm_logmel* handle, int32_t type, float scale,
                                         int32_t zero_point) {
  if (handle == nullptr) return TINYALM_NULL_POINTER;
  if (type == TINYALM_FLOAT32) {
    handle->output = {type, 1.0f, 0.0f, nullptr};
    return pass(handle);
  }
  if (type != TINYALM_INT8 && type != TINYALM_UINT8)
    return fail(handle, TINYALM_BAD_ARGUMENT, "log-mels are FLOAT32, INT8 or UINT8");
  if (!(scale > 0) || scale > std::numeric_limits<float>::max())
    return fail(handle, TINYALM_BAD_ARGUMENT, "scale must be above 0 and finite");
  const int low = type == TINYALM_INT8 ? -128 : 0;
  if (zero_point < low || zero_point > low + 255)
    return fail(handle, TINYALM_BAD_ARGUMENT, "zero_point is no value of the type");
  handle->output = {type, scale, static_cast<float>(zero_point), nullptr};
  return pass(handle);
}

size_t tinyalm_logmel_frames(const tinyalm_logmel* handle, size_t samples) {
  if (handle == nullptr) return 0;
  return handle->stream.program().frames(std::min(samples, kMostSamples));
}

tinyalm_status tinyalm_logmel_run(tinyalm_logmel* handle, const void* samples, int32_t type,
                                  size_t count, void* output, size_t capacity, size_t* frames) {
  if (handle == nullptr) return TINYALM_NULL_POINTER;
  if (frames == nullptr) return fail(handle, TINYALM_NULL_POINTER, "frames is null");
  *frames = 0;
  if (tinyalm_status status = check_samples(handle, samples, type, count)) return status;
  const uint64_t needed = handle->stream.program().frames(count);
  if (tinyalm_status status = check_room(handle, output, capacity, needed)) return status;
  handle->stream.reset();
  write_to(handle, output);
  push(handle, samples, type, count, false);
  handle->stream.flush();
  if (handle->stream.program().range > 0)
    clamp_range(handle, output, needed * handle->stream.program().n_mels);
  handle->stream.reset();
  *frames = needed;
  return pass(handle);
}

size_t tinyalm_logmel_ready(const tinyalm_logmel* handle, size_t samples, int32_t at_once) {
  if (handle == nullptr) return 0;
  return handle->stream.ready(std::min(samples, kMostSamples), at_once != 0);
}

tinyalm_status tinyalm_logmel_push(tinyalm_logmel* handle, const void* samples, int32_t type,
                                   size_t count, int32_t at_once, void* output, size_t capacity,
                                   size_t* frames) {
  if (handle == nullptr) return TINYALM_NULL_POINTER;
  if (frames == nullptr) return fail(handle, TINYALM_NULL_POINTER, "frames is null");
  *frames = 0;
  if (handle->stream.program().range > 0)
    return fail(handle, TINYALM_NOT_STREAMABLE, "top_db needs the whole recording; use run");
  if (tinyalm_status status = check_samples(handle, samples, type, count)) return status;
  const uint64_t needed = handle->stream.ready(count, at_once != 0);
  if (tinyalm_status status = check_room(handle, output, capacity, needed)) return status;
  write_to(handle, output);
  push(handle, samples, type, count, at_once != 0);
  *frames = needed;
  return pass(handle);
}

size_t tinyalm_logmel_rest(const tinyalm_logmel* handle) {
  return handle == nullptr ? 0 : handle->stream.rest();
}

tinyalm_status tinyalm_logmel_flush(tinyalm_logmel* handle, void* output, size_t capacity,
                                    size_t* frames) {
  if (handle == nullptr) return TINYALM_NULL_POINTER;
  if (frames == nullptr) return fail(handle, TINYALM_NULL_POINTER, "frames is null");
  *frames = 0;
  const uint64_t needed = handle->stream.rest();
  if (tinyalm_status status = check_room(handle, output, capacity, needed)) return status;
  write_to(handle, output);
  handle->stream.flush();
  handle->stream.reset();
  *frames = needed;
  return pass(handle);
}

tinyalm_status tinyalm_logmel_reset(tinyalm_logmel* handle) {
  if (handle == nullptr) return TINYALM_NULL_POINTER;
  handle->stream.reset();
  return pass(handle);
}
