/* Whole recordings against streams of 10 ms pushes, in turn, through the C interface.
 *
 * streaming FRONT_END.logmel SECONDS ROUNDS: prints a line for each round with the milliseconds of
 * the whole recording, of the stream by tiles, and of the stream with every frame at once. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tinyalm_logmel.h"

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static void check(tinyalm_status status, const char* what) {
  if (status == TINYALM_OK) return;
  fprintf(stderr, "streaming: %s (status %d)\n", what, status);
  exit(2);
}

/* Milliseconds of one stream. */
static double stream(tinyalm_logmel* front_end, const float* samples, size_t count, size_t push,
                     int at_once, float* out, size_t capacity, int n_mels) {
  size_t written = 0, frames = 0;
  const double start = now_ms();
  for (size_t i = 0; i < count; i += push) {
    const size_t size = count - i < push ? count - i : push;
    check(tinyalm_logmel_push(front_end, samples + i, TINYALM_FLOAT32, size, at_once,
                              out + written * n_mels, capacity - written, &frames),
          tinyalm_logmel_last_error(front_end));
    written += frames;
  }
  check(tinyalm_logmel_flush(front_end, out + written * n_mels, capacity - written, &frames),
        tinyalm_logmel_last_error(front_end));
  return now_ms() - start;
}

int main(int argc, char** argv) {
  static unsigned char program[1 << 20];
  FILE* file = argc == 4 ? fopen(argv[1], "rb") : NULL;
  if (file == NULL) return fprintf(stderr, "streaming FRONT_END.logmel SECONDS ROUNDS\n"), 2;
  const size_t size = fread(program, 1, sizeof program, file);
  fclose(file);
  tinyalm_logmel* front_end = NULL;
  char message[200];
  check(
      tinyalm_logmel_create(program, size, TINYALM_LEVEL_BEST, &front_end, message, sizeof message),
      message);
  tinyalm_logmel_info info;
  tinyalm_logmel_describe(front_end, &info);
  const size_t count = (size_t)(atof(argv[2]) * info.sample_rate);
  const size_t push = (size_t)info.sample_rate / 100;
  const size_t capacity = tinyalm_logmel_frames(front_end, count);
  float* samples = malloc(count * sizeof *samples);
  float* out = malloc(capacity * (size_t)info.n_mels * sizeof *out);
  if (samples == NULL || out == NULL) return fprintf(stderr, "streaming: out of memory\n"), 2;
  for (size_t i = 0; i < count; ++i) samples[i] = (float)rand() / (float)RAND_MAX * 0.2f - 0.1f;
  for (int round = -3; round < atoi(argv[3]); ++round) { /* three to warm up */
    size_t frames = 0;
    const double start = now_ms();
    check(tinyalm_logmel_run(front_end, samples, TINYALM_FLOAT32, count, out, capacity, &frames),
          tinyalm_logmel_last_error(front_end));
    const double whole = now_ms() - start;
    const double tiles = stream(front_end, samples, count, push, 0, out, capacity, info.n_mels);
    const double at_once = stream(front_end, samples, count, push, 1, out, capacity, info.n_mels);
    if (round >= 0) printf("%.6f %.6f %.6f\n", whole, tiles, at_once);
  }
  free(samples);
  free(out);
  tinyalm_logmel_destroy(front_end);
  return 0;
}
