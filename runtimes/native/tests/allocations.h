// What operator new was asked for, everywhere in the process.
#pragma once

#include <cstddef>

namespace allocations {

// Calls of operator new so far.
size_t count();
// From now on the first `calls` succeed and all later ones throw; a negative number for none.
void fail_after(long calls);

}  // namespace allocations
