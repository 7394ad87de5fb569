// What every processor of its kind has: SSE2 on x86-64, NEON on aarch64.
#define LANES 2
#define LEVEL kBaseline
#include "kernel.h"
