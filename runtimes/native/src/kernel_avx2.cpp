#if defined(__x86_64__)
#define LANES 4
#define LEVEL kAvx2
#include "kernel.h"
#endif
