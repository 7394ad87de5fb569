/* Log-mel spectrograms on an NVIDIA GPU: the C interface.
 *
 * The same programs, statuses and answers as tinyalm_logmel.h, for samples that are on the device
 * already. A handle belongs to the device that was current when it was made. Any number of calls
 * may be under way with it, in any streams.
 */
#ifndef TINYALM_LOGMEL_CUDA_H
#define TINYALM_LOGMEL_CUDA_H

#include "tinyalm_logmel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tinyalm_logmel_cuda tinyalm_logmel_cuda;

/* Make a handle: the front end's tables on the device. On failure *handle is null and message (of
 * message_size bytes, may be null) holds one line that says why. */
TINYALM_API tinyalm_status tinyalm_logmel_cuda_create(const void* program, size_t program_size,
                                                      tinyalm_logmel_cuda** handle, char* message,
                                                      size_t message_size);

/* Free a handle whose calls have ended; null is no error. */
TINYALM_API void tinyalm_logmel_cuda_destroy(tinyalm_logmel_cuda* handle);

/* Frames that a recording of so many samples gives; 0 for a null handle. */
TINYALM_API size_t tinyalm_logmel_cuda_frames(const tinyalm_logmel_cuda* handle, size_t samples);

/* Enqueue the log-mels of `batch` recordings of `count` samples each, every one as if it were
 * alone. samples: (batch, count) float32 and output: (batch, frames, n_mels) float32, both on the
 * device; stream: a cudaStream_t, or null. TINYALM_BAD_ARGUMENT where CUDA refuses the launch. */
TINYALM_API tinyalm_status tinyalm_logmel_cuda_run(const tinyalm_logmel_cuda* handle,
                                                   const float* samples, size_t batch, size_t count,
                                                   float* output, void* stream);

#ifdef __cplusplus
}
#endif

#endif
