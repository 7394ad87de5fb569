// The kernels, and the C interface over them.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

#include "frame.h"
#include "program.h"
#include "tables.h"
#include "tinyalm_logmel_cuda.h"

namespace {

using namespace tinyalm;
using namespace tinyalm::cuda;

constexpr int kThreads = 128, kRangeThreads = 256;

__global__ void log_mel_kernel(Tables tables, const float* samples, std::int64_t count,
                               std::int64_t length, std::int64_t frames, float* output) {
  extern __shared__ double memory[];
  const Scratch scratch = scratch_at(tables, memory);
  const int thread = static_cast<int>(threadIdx.x);
  samples += blockIdx.y * count;
  for (std::int64_t frame = blockIdx.x; frame < frames; frame += gridDim.x) {
    load(tables, scratch, samples, length, frame, thread, kThreads);
    __syncthreads();
    first_sums(tables, scratch, thread, kThreads);
    __syncthreads();
    spectrum(tables, scratch, thread, kThreads);
    __syncthreads();
    float* row = output + (blockIdx.y * frames + frame) * tables.n_mels;
    log_mel(tables, scratch, row, thread, kThreads);
    __syncthreads();  // the next frame writes where this one is read
  }
}

// Raises what lies more than `range` below the recording's largest value.
__global__ void range_kernel(double range, std::int64_t values, float* output) {
  __shared__ float largest[kRangeThreads];
  const int thread = static_cast<int>(threadIdx.x);
  output += blockIdx.x * values;
  float found = output[0];
  for (std::int64_t i = thread; i < values; i += kRangeThreads) found = fmaxf(found, output[i]);
  largest[thread] = found;
  __syncthreads();
  for (int half = kRangeThreads / 2; half > 0; half /= 2) {
    if (thread < half) largest[thread] = fmaxf(largest[thread], largest[thread + half]);
    __syncthreads();
  }
  const float lowest = static_cast<float>(largest[0] - range);
  for (std::int64_t i = thread; i < values; i += kRangeThreads)
    if (output[i] < lowest) output[i] = lowest;
}

template <typename T>
bool upload(const std::vector<T>& values, const T*& pointer) {
  void* device = nullptr;
  const std::size_t size = std::max<std::size_t>(values.size(), 1) * sizeof(T);
  pointer = nullptr;
  if (cudaMalloc(&device, size) != cudaSuccess) return false;
  pointer = static_cast<const T*>(device);
  return cudaMemcpy(device, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice) ==
         cudaSuccess;
}

}  // namespace

struct tinyalm_logmel_cuda {
  tinyalm::Program program;
  Tables tables{};

  ~tinyalm_logmel_cuda() {
    for (const void* pointer :
         {static_cast<const void*>(tables.window), static_cast<const void*>(tables.turns),
          static_cast<const void*>(tables.bands), static_cast<const void*>(tables.weights)})
      cudaFree(const_cast<void*>(pointer));
  }
};

extern "C" {

tinyalm_status tinyalm_logmel_cuda_create(const void* program, size_t program_size,
                                          tinyalm_logmel_cuda** handle, char* message,
                                          size_t message_size) {
  const auto fail = [&](tinyalm_status status, const std::string& why) {
    if (message != nullptr && message_size > 0) {
      const std::size_t size = std::min(why.size(), message_size - 1);
      std::memcpy(message, why.data(), size);
      message[size] = '\0';
    }
    return status;
  };
  if (handle == nullptr) return fail(TINYALM_NULL_POINTER, "handle is null");
  *handle = nullptr;
  if (program == nullptr) return fail(TINYALM_NULL_POINTER, "program is null");
  try {
    auto made = new tinyalm_logmel_cuda;
    Memory memory;
    Tables host{};
    std::string wrong = parse(program, program_size, made->program);
    if (wrong.empty()) wrong = make_tables(made->program, memory, host);
    if (!wrong.empty()) {
      delete made;
      return fail(TINYALM_BAD_PROGRAM, wrong);
    }
    Tables& device = made->tables = host;
    device.window = device.turns = nullptr, device.bands = nullptr, device.weights = nullptr;
    if (!upload(memory.window, device.window) || !upload(memory.turns, device.turns) ||
        !upload(memory.bands, device.bands) || !upload(memory.weights, device.weights)) {
      const std::string why = cudaGetErrorString(cudaGetLastError());
      delete made;
      return fail(TINYALM_OUT_OF_MEMORY, "CUDA: " + why);
    }
    *handle = made;
  } catch (const std::bad_alloc&) {
    return fail(TINYALM_OUT_OF_MEMORY, "out of memory");
  }
  return fail(TINYALM_OK, "");
}

void tinyalm_logmel_cuda_destroy(tinyalm_logmel_cuda* handle) { delete handle; }

size_t tinyalm_logmel_cuda_frames(const tinyalm_logmel_cuda* handle, size_t samples) {
  return handle == nullptr ? 0 : static_cast<size_t>(handle->program.frames(samples));
}

tinyalm_status tinyalm_logmel_cuda_run(const tinyalm_logmel_cuda* handle, const float* samples,
                                       size_t batch, size_t count, float* output, void* stream) {
  if (handle == nullptr) return TINYALM_NULL_POINTER;
  const auto frames = static_cast<std::int64_t>(handle->program.frames(count));
  if (batch == 0 || frames == 0) return TINYALM_OK;
  if (samples == nullptr || output == nullptr) return TINYALM_NULL_POINTER;
  if (batch > 65535) return TINYALM_BAD_ARGUMENT;  // blocks along the grid's second axis
  const Tables& tables = handle->tables;
  const auto queue = static_cast<cudaStream_t>(stream);
  const dim3 blocks(static_cast<unsigned>(std::min<std::int64_t>(frames, 1 << 20)),
                    static_cast<unsigned>(batch));
  log_mel_kernel<<<blocks, kThreads, scratch_doubles(tables) * sizeof(double), queue>>>(
      tables, samples, static_cast<std::int64_t>(count),
      static_cast<std::int64_t>(handle->program.prepared(count)), frames, output);
  if (tables.range > 0)
    range_kernel<<<static_cast<unsigned>(batch), kRangeThreads, 0, queue>>>(
        tables.range, frames * tables.n_mels, output);
  return cudaGetLastError() == cudaSuccess ? TINYALM_OK : TINYALM_BAD_ARGUMENT;
}

}  // extern "C"
