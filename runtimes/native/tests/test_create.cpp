// Programs, levels, and how a handle comes to be or does not.
#include <cmath>
#include <limits>

#include "allocations.h"
#include "check.h"

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The status and the message that a program is refused with.
void check_refused(const FrontEnd& front_end, const Bytes& program, const std::string& why) {
  auto* handle = reinterpret_cast<tinyalm_logmel*>(1);
  char message[200] = "";
  CHECK_EQUAL(tinyalm_logmel_create(program.data(), program.size(), front_end.level, &handle,
                                    message, sizeof message),
              TINYALM_BAD_PROGRAM);
  CHECK(handle == nullptr);
  CHECK_EQUAL(std::string(message), why);
}

Bytes first(const Bytes& program, size_t size) {
  return Bytes(program.begin(), program.begin() + static_cast<std::ptrdiff_t>(size));
}

}  // namespace

TEST(the_library_is_that_of_the_header) { CHECK_EQUAL(tinyalm_logmel_abi(), TINYALM_LOGMEL_ABI); }

TEST(a_handle_describes_its_program) {
  const tinyalm_logmel_info info = Handle(front_end).info();
  CHECK_EQUAL(info.sample_rate, front_end.at(field::sample_rate));
  CHECK_EQUAL(info.n_mels, front_end.at(field::n_mels));
  CHECK_EQUAL(info.hop_length, front_end.at(field::hop_length));
  CHECK_EQUAL(info.frame_length, front_end.at(field::frame_length));
  CHECK_EQUAL(info.streamable, front_end.streamable());
  CHECK(info.tile >= 1 && info.tile <= 64);
  CHECK(info.level >= TINYALM_LEVEL_PORTABLE && info.level <= TINYALM_LEVEL_NEON);
  CHECK(front_end.level == TINYALM_LEVEL_BEST || info.level == front_end.level);
}

TEST(there_are_the_levels_that_can_be_had) {
  const Bytes& program = front_end.program;
  int found = 0, best = 0;
  for (int32_t level : {1, 2, 3, 4}) {
    tinyalm_logmel* handle = nullptr;
    char message[200];
    const tinyalm_status status = tinyalm_logmel_create(program.data(), program.size(), level,
                                                        &handle, message, sizeof message);
    CHECK_EQUAL(status, tinyalm_logmel_has_level(level) ? TINYALM_OK : TINYALM_NO_SUCH_LEVEL);
    CHECK_EQUAL(handle != nullptr, status == TINYALM_OK);
    CHECK_EQUAL(message[0] == '\0', status == TINYALM_OK);
    if (status == TINYALM_OK) ++found, best = level;
    tinyalm_logmel_destroy(handle);
  }
  CHECK(found > 0);
  CHECK(tinyalm_logmel_has_level(TINYALM_LEVEL_BEST));
  const FrontEnd whatever{front_end.name, program, TINYALM_LEVEL_BEST};
  CHECK_EQUAL(Handle(whatever).info().level, best);
}

TEST(unknown_levels_are_refused) {
  for (int32_t level :
       {-1, 5, 1000, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()}) {
    CHECK_EQUAL(tinyalm_logmel_has_level(level), 0);
    auto* handle = reinterpret_cast<tinyalm_logmel*>(1);
    char message[200] = "";
    CHECK_EQUAL(tinyalm_logmel_create(front_end.program.data(), front_end.program.size(), level,
                                      &handle, message, sizeof message),
                TINYALM_BAD_ARGUMENT);
    CHECK(handle == nullptr);
    CHECK_EQUAL(std::string(message), "unknown level");
  }
}

TEST(create_takes_null_pointers) {
  const Bytes& program = front_end.program;
  char message[200] = "";
  CHECK_EQUAL(tinyalm_logmel_create(program.data(), program.size(), front_end.level, nullptr,
                                    message, sizeof message),
              TINYALM_NULL_POINTER);
  CHECK_EQUAL(std::string(message), "handle is null");
  auto* handle = reinterpret_cast<tinyalm_logmel*>(1);
  CHECK_EQUAL(tinyalm_logmel_create(nullptr, program.size(), front_end.level, &handle, message,
                                    sizeof message),
              TINYALM_NULL_POINTER);
  CHECK(handle == nullptr);
  CHECK_EQUAL(std::string(message), "program is null");
  CHECK_EQUAL(tinyalm_logmel_create(nullptr, 0, 0, nullptr, nullptr, 0), TINYALM_NULL_POINTER);
  tinyalm_logmel_destroy(nullptr);
}

TEST(messages_fit_where_they_are_written) {
  for (size_t size : {0, 1, 2, 7}) {
    std::string message(size, 'x');
    tinyalm_logmel* handle = nullptr;
    CHECK_EQUAL(tinyalm_logmel_create("no program", 10, front_end.level, &handle,
                                      size > 0 ? &message[0] : nullptr, size),
                TINYALM_BAD_PROGRAM);
    const std::string whole = "not a front end";
    CHECK_EQUAL(message, size == 0 ? "" : whole.substr(0, size - 1) + '\0');
  }
}

TEST(truncated_and_longer_programs_are_refused) {
  const Bytes& whole = front_end.program;
  for (size_t size = 1; size < whole.size(); size += size < field::window ? 1 : 997) {
    const Bytes part = first(whole, size);
    check_refused(front_end, part,
                  size < 8    ? "not a front end"
                  : size < 12 ? "made by another version of tinyalm"
                              : "truncated or longer than it says");
    if (size < 16) continue;
    check_refused(front_end, with(part, field::length, static_cast<uint32_t>(size)),
                  size < field::window ? "truncated" : "its tables have another size than it says");
  }
  tinyalm_logmel* handle = nullptr;
  CHECK_EQUAL(tinyalm_logmel_create(whole.data(), 0, front_end.level, &handle, nullptr, 0),
              TINYALM_BAD_PROGRAM);
  Bytes longer = whole;
  longer.push_back(0);
  check_refused(front_end, longer, "truncated or longer than it says");
  check_refused(front_end, with(longer, field::length, static_cast<uint32_t>(longer.size())),
                "its tables have another size than it says");
}

TEST(damaged_numbers_are_refused) {
  const struct {
    size_t at;
    uint32_t value;
    const char* why;
  } absurd[] = {
      {0, 0, "not a front end"},
      {field::version, 2, "made by another version of tinyalm"},
      {field::length, 0, "truncated or longer than it says"},
      {field::sample_rate, 0, "sample_rate out of range"},
      {field::sample_rate, 1000001, "sample_rate out of range"},
      {field::n_fft, 0, "n_fft out of range"},
      {field::n_fft, 1u << 31, "n_fft out of range"},
      {field::n_fft, 7 * 512, "n_fft is no product of 2, 3 and 5"},
      {field::padding, 3, "unknown padding"},
      {field::frame_length, 0, "frame_length out of range"},
      {field::frame_length, 0xffffffff, "frame_length out of range"},
      {field::hop_length, 0, "hop_length out of range"},
      {field::hop_length, (1u << 20) + 1, "hop_length out of range"},
      {field::win_length, 0, "the window lies outside the frame"},
      {field::win_length, 0xffffffff, "the window lies outside the frame"},
      {field::window_start, 0xffffffff, "the window lies outside the frame"},
      {field::drop_last, 2, "a flag is neither 0 nor 1"},
      {field::round_int16, 0x100, "a flag is neither 0 nor 1"},
      {field::power, 0, "power is neither 1 nor 2"},
      {field::power, 3, "power is neither 1 nor 2"},
      {field::n_mels, 0, "n_mels out of range"},
      {field::n_mels, 1025, "n_mels out of range"},
      {field::weights, 0xffffffff, "its tables have another size than it says"},
  };
  for (const auto& damage : absurd)
    check_refused(front_end, with(front_end.program, damage.at, damage.value), damage.why);
}

TEST(numbers_that_do_not_go_together_are_refused) {
  const uint32_t n_fft = front_end.at(field::n_fft);
  const Bytes dropping = with(front_end.program, field::drop_last, 1u);
  const std::string why = "drop_last without padding or with too long a hop_length";
  if (front_end.at(field::padding) == 0) return check_refused(front_end, dropping, why);
  check_refused(front_end, with(dropping, field::hop_length, n_fft / 2 + 1), why);
  check_refused(front_end, with(front_end.program, field::frame_length, n_fft - 1),
                "padded frames are not n_fft long");
}

TEST(damaged_reals_are_refused) {
  for (double value : {-0.5, 1.0, kNan, kInfinity})
    check_refused(front_end, with(front_end.program, field::preemphasis, value),
                  "preemphasis out of range");
  for (size_t at : {field::log_offset, field::log_floor})
    for (double value : {-1e-9, 2e30, kNan, kInfinity})
      check_refused(front_end, with(front_end.program, at, value),
                    "log_offset and log_floor out of range");
  check_refused(front_end,
                with(with(front_end.program, field::log_offset, 0.0), field::log_floor, 9e-31),
                "log_offset and log_floor out of range");
  for (double value : {0.0, -1.0, kNan, kInfinity})
    check_refused(front_end, with(front_end.program, field::log_scale, value),
                  "log_scale out of range");
  for (double value : {-2e30, kNan, kInfinity})
    check_refused(front_end, with(front_end.program, field::log_shift, value),
                  "log_shift out of range");
  for (double value : {-1.0, kNan, kInfinity})
    check_refused(front_end, with(front_end.program, field::range, value), "range out of range");
}

TEST(damaged_tables_are_refused) {
  for (double value : {kNan, kInfinity})
    check_refused(front_end, with(front_end.program, field::window, value),
                  "the window holds a value that is not finite");
  const size_t bands = front_end.bands_at();
  for (size_t at : {bands, bands + 4})
    check_refused(front_end, with(front_end.program, at, 0xffffffffu),
                  "a mel band reaches beyond the last bin");
  // One weight less in a band, and one more than the bands take.
  for (uint32_t band = 0; band < front_end.at(field::n_mels); ++band) {
    const size_t at = bands + 8 * band + 4;
    const auto count = get<uint32_t>(front_end.program, at);
    if (count == 0) continue;
    check_refused(front_end, with(front_end.program, at, count - 1),
                  "the mel bands and their weights do not match");
    for (float value : {-1.0f, static_cast<float>(kNan), static_cast<float>(kInfinity)})
      check_refused(front_end, with(front_end.program, front_end.weights_at(), value),
                    "a mel weight is negative or not finite");
    return;
  }
}

TEST(create_without_memory_leaves_nothing_behind) {
  const Bytes& program = front_end.program;
  for (long allowed = 0;; ++allowed) {
    auto* handle = reinterpret_cast<tinyalm_logmel*>(1);
    char message[200] = "";
    allocations::fail_after(allowed);
    const tinyalm_status status = tinyalm_logmel_create(
        program.data(), program.size(), front_end.level, &handle, message, sizeof message);
    allocations::fail_after(-1);
    if (status == TINYALM_OK) {
      CHECK(allowed > 3);
      tinyalm_logmel_destroy(handle);
      return;
    }
    CHECK_EQUAL(status, TINYALM_OUT_OF_MEMORY);
    CHECK(handle == nullptr);
    CHECK_EQUAL(std::string(message), "out of memory");
  }
}
