#include "allocations.h"

#include <cstdlib>
#include <new>

namespace {

size_t calls = 0;
long allowed = -1;

}  // namespace

size_t allocations::count() { return calls; }

void allocations::fail_after(long number) { allowed = number; }

void* operator new(size_t size) {
  ++calls;
  if (allowed == 0) throw std::bad_alloc();
  if (allowed > 0) --allowed;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }

void operator delete(void* memory, size_t) noexcept { std::free(memory); }
