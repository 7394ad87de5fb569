/* Log-mel spectrograms by tinyalm's native kernel: the C interface.
 *
 * A front end is given as a program: the bytes that a bundle holds as `frontend.logmel` and that
 * tinyalm.frontend.program() makes (docs/front-end.md). A handle executes it, on whole recordings
 * or on a stream; both give the same bits.
 *
 * Ownership: the caller owns every buffer that it passes, and may free it when the call returns.
 * A handle is made by create and freed by destroy. Nothing else is allocated after create.
 * Threads: there is no global state. A handle serves one call at a time; use one for each thread.
 * Errors: every function takes null pointers and damaged programs, and answers with a status.
 */
#ifndef TINYALM_LOGMEL_H
#define TINYALM_LOGMEL_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define TINYALM_API __declspec(dllexport)
#else
#define TINYALM_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TINYALM_LOGMEL_ABI 1

typedef enum {
  TINYALM_OK = 0,
  TINYALM_NULL_POINTER = 1, /* an argument that must not be null is */
  TINYALM_BAD_PROGRAM = 2,  /* the bytes are no program, of another version, or absurd */
  TINYALM_OUT_OF_MEMORY = 3,
  TINYALM_BAD_ARGUMENT = 4,  /* an unknown level or type, or a scale that is not above 0 */
  TINYALM_NO_SUCH_LEVEL = 5, /* this processor, or this build, does not have the level */
  TINYALM_TOO_SMALL = 6,     /* the output has no room for all frames; nothing was consumed */
  TINYALM_NOT_STREAMABLE = 7 /* the front end needs the whole recording (top_db) */
} tinyalm_status;

typedef enum {
  TINYALM_LEVEL_BEST = 0, /* the best that this processor runs */
  TINYALM_LEVEL_PORTABLE = 1,
  TINYALM_LEVEL_AVX2 = 2, /* with FMA */
  TINYALM_LEVEL_AVX512 = 3,
  TINYALM_LEVEL_NEON = 4
} tinyalm_level;

typedef enum {
  TINYALM_FLOAT32 = 0, /* samples within -1 and 1; log-mel */
  TINYALM_INT16 = 1,   /* samples only; 32768 stands for 1 */
  TINYALM_INT8 = 2, /* log-mel only: round(value / scale) + zero_point, saturated; half to even */
  TINYALM_UINT8 = 3 /* likewise */
} tinyalm_type;

typedef struct tinyalm_logmel tinyalm_logmel;

typedef struct {
  int32_t sample_rate; /* Hz */
  int32_t n_mels;
  int32_t hop_length; /* samples */
  int32_t frame_length;
  int32_t level;      /* a tinyalm_level */
  int32_t tile;       /* frames computed at once; a stream holds back at most tile - 1 */
  int32_t streamable; /* 0 or 1 */
} tinyalm_logmel_info;

/* TINYALM_LOGMEL_ABI of the library. */
TINYALM_API int32_t tinyalm_logmel_abi(void);

/* 1 where this build on this processor has the level, else 0. */
TINYALM_API int32_t tinyalm_logmel_has_level(int32_t level);

/* Make a handle. On failure *handle is null and message (of message_size bytes, may be null)
 * holds one line that says why. */
TINYALM_API tinyalm_status tinyalm_logmel_create(const void* program, size_t program_size,
                                                 int32_t level, tinyalm_logmel** handle,
                                                 char* message, size_t message_size);

/* Free a handle; null is no error. */
TINYALM_API void tinyalm_logmel_destroy(tinyalm_logmel* handle);

/* Why the last call with this handle failed, as one line; "" after a call that did not. Valid
 * until the next call with the handle; functions that take a const handle leave it as it is. */
TINYALM_API const char* tinyalm_logmel_last_error(const tinyalm_logmel* handle);

TINYALM_API tinyalm_status tinyalm_logmel_describe(const tinyalm_logmel* handle,
                                                   tinyalm_logmel_info* info);

/* Write log-mels as TINYALM_FLOAT32 (as after create), TINYALM_INT8 or TINYALM_UINT8; scale and
 * zero_point are those of the encoder's first layer, and ignored for TINYALM_FLOAT32. */
TINYALM_API tinyalm_status tinyalm_logmel_set_output(tinyalm_logmel* handle, int32_t type,
                                                     float scale, int32_t zero_point);

/* Frames that a whole recording of so many samples gives; 0 for a null handle. */
TINYALM_API size_t tinyalm_logmel_frames(const tinyalm_logmel* handle, size_t samples);

/* The log-mel of a whole recording: (frames, n_mels), row by row. What a stream had pushed is
 * dropped. capacity and *frames count frames. */
TINYALM_API tinyalm_status tinyalm_logmel_run(tinyalm_logmel* handle, const void* samples,
                                              int32_t type, size_t count, void* output,
                                              size_t capacity, size_t* frames);

/* Frames that pushing so many samples now would write. */
TINYALM_API size_t tinyalm_logmel_ready(const tinyalm_logmel* handle, size_t samples,
                                        int32_t at_once);

/* Go on with a stream: take samples, write the frames that they complete. Frames are computed by
 * whole tiles; with at_once not 0 every complete frame is, which costs as much as a tile. */
TINYALM_API tinyalm_status tinyalm_logmel_push(tinyalm_logmel* handle, const void* samples,
                                               int32_t type, size_t count, int32_t at_once,
                                               void* output, size_t capacity, size_t* frames);

/* Frames that flushing now would write. */
TINYALM_API size_t tinyalm_logmel_rest(const tinyalm_logmel* handle);

/* End the stream: write the frames that are left. The next push begins another stream. */
TINYALM_API tinyalm_status tinyalm_logmel_flush(tinyalm_logmel* handle, void* output,
                                                size_t capacity, size_t* frames);

/* Drop what was pushed: the next push begins another stream. */
TINYALM_API tinyalm_status tinyalm_logmel_reset(tinyalm_logmel* handle);

#ifdef __cplusplus
}
#endif

#endif
