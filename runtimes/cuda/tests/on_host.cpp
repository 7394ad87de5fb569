// The kernel's steps on the processor: every thread's part of a step after the other, as if they
// had waited for each other, so that the steps are tested where there is no GPU.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tables.h"

// Log-mels of one recording; the number of frames, or -1 for a program that is refused.
extern "C" std::int64_t on_host(const void* bytes, std::size_t size, const float* samples,
                                std::size_t count, std::int32_t threads, float* output) {
  using namespace tinyalm;
  using namespace tinyalm::cuda;
  Program program;
  Memory memory;
  Tables tables{};
  if (!parse(bytes, size, program).empty()) return -1;
  if (!make_tables(program, memory, tables).empty()) return -1;
  std::vector<double> shared(scratch_doubles(tables));
  const Scratch scratch = scratch_at(tables, shared.data());
  const auto length = static_cast<std::int64_t>(program.prepared(count));
  const auto frames = static_cast<std::int64_t>(program.frames(count));
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    float* row = output + frame * tables.n_mels;
    for (int i = 0; i < threads; ++i) load(tables, scratch, samples, length, frame, i, threads);
    for (int i = 0; i < threads; ++i) first_sums(tables, scratch, i, threads);
    for (int i = 0; i < threads; ++i) spectrum(tables, scratch, i, threads);
    for (int i = 0; i < threads; ++i) log_mel(tables, scratch, row, i, threads);
  }
  return frames;
}
