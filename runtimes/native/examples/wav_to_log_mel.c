/* wav_to_log_mel FRONT_END.logmel IN.wav
 * prints the log-mel of a 16-bit mono PCM recording, a frame a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tinyalm_logmel.h"

static void need(int condition, const char* file, const char* otherwise) {
  if (condition) return;
  fprintf(stderr, "%s: %s\n", file, otherwise);
  exit(2);
}

static unsigned char* read_file(const char* name, size_t* size) {
  FILE* file = fopen(name, "rb");
  need(file != NULL, name, "cannot be opened");
  unsigned char* bytes = NULL;
  *size = 0;
  for (size_t got = 1; got > 0; *size += got) {
    bytes = realloc(bytes, *size + 65536);
    need(bytes != NULL, name, "too large for the memory");
    got = fread(bytes + *size, 1, 65536, file);
  }
  fclose(file);
  return bytes;
}

static uint32_t number(const unsigned char* b) {
  return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/* The chunk called `id` of a WAV file, of which all is there, and its bytes. */
static unsigned char* chunk(const char* name, unsigned char* wav, size_t size, const char* id,
                            size_t* bytes) {
  for (size_t at = 12;; at += 8 + *bytes + *bytes % 2) {
    need(at <= size && size - at >= 8, name, "no WAV file, or a truncated one");
    *bytes = number(wav + at + 4);
    need(*bytes <= size - at - 8, name, "no WAV file, or a truncated one");
    if (memcmp(wav + at, id, 4) == 0) return wav + at + 8;
  }
}

int main(int count, char** arguments) {
  need(count == 3, "usage", "wav_to_log_mel FRONT_END.logmel IN.wav");
  const char *front_end = arguments[1], *recording = arguments[2];
  size_t size, bytes, frames;

  tinyalm_logmel* handle;
  char message[200];
  unsigned char* program = read_file(front_end, &size);
  need(tinyalm_logmel_create(program, size, TINYALM_LEVEL_BEST, &handle, message, sizeof message) ==
           TINYALM_OK,
       front_end, message);
  tinyalm_logmel_info info;
  tinyalm_logmel_describe(handle, &info);

  unsigned char* wav = read_file(recording, &size);
  const unsigned char* format = chunk(recording, wav, size, "fmt ", &bytes);
  need(bytes >= 16 && number(format) == 0x10001 && number(format + 12) >> 16 == 16, recording,
       "not 16-bit mono PCM");
  need(number(format + 4) == (uint32_t)info.sample_rate, recording,
       "not at the sample rate of the front end");
  const unsigned char* samples = chunk(recording, wav, size, "data", &bytes);

  const size_t room = tinyalm_logmel_frames(handle, bytes / 2), n_mels = (size_t)info.n_mels;
  float* rows = malloc((room * n_mels + 1) * sizeof *rows);
  need(rows != NULL, recording, "too long for the memory");
  need(tinyalm_logmel_run(handle, samples, TINYALM_INT16, bytes / 2, rows, room, &frames) ==
           TINYALM_OK,
       recording, tinyalm_logmel_last_error(handle));
  for (size_t i = 0; i < frames * n_mels; ++i)
    printf("%.9g%c", rows[i], (i + 1) % n_mels ? ' ' : '\n');

  tinyalm_logmel_destroy(handle);
  free(program), free(wav), free(rows);
  return 0;
}
