#if defined(__x86_64__)
#define LANES 8
#define LEVEL kAvx512
#include "kernel.h"
#endif
