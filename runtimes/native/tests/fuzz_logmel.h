#pragma once

#include <cstddef>
#include <cstdint>

// What the harness has done.
struct FuzzCounts {
  size_t inputs = 0;
  size_t handles = 0;  // inputs whose program was taken
  size_t frames = 0;
  size_t streams = 0;  // that were compared with the whole recording
};

extern FuzzCounts fuzz_counts;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
