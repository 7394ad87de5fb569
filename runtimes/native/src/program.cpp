#include "program.h"

#include <cmath>
#include <cstring>

namespace tinyalm {
namespace {

constexpr char kMagic[8] = {'L', 'O', 'G', 'M', 'E', 'L', '\r', '\n'};
constexpr std::uint32_t kVersion = 1;
// Far beyond any use (tinyalm/frontend/spec.py has the same): what is larger is damaged.
constexpr std::uint32_t kMostRate = 1000000, kMostFft = 1u << 16, kMostHop = 1u << 20;
constexpr std::uint32_t kMostMels = 1024;
constexpr double kLowestLevel = 1e-30;

// Reads little-endian values; every supported processor is little-endian.
class Reader {
 public:
  Reader(const void* bytes, std::size_t size)
      : next_(static_cast<const unsigned char*>(bytes)), left_(size) {}

  template <typename T>
  bool read(T* values, std::size_t count) {
    if (count > left_ / sizeof(T)) return false;
    if (count > 0) std::memcpy(values, next_, count * sizeof(T));
    next_ += count * sizeof(T);
    left_ -= count * sizeof(T);
    return true;
  }

  std::size_t left() const { return left_; }

 private:
  const unsigned char* next_;
  std::size_t left_;
};

bool product_of_2_3_5(std::uint32_t value) {
  for (std::uint32_t factor : {2u, 3u, 5u})
    while (value % factor == 0) value /= factor;
  return value == 1;
}

bool within(double value, double least, double most) { return value >= least && value <= most; }

// What parse() answers for the fields of the header; the order is that of the layout.
std::string check(const Program& p, std::uint32_t padding, std::uint32_t drop_last,
                  std::uint32_t round_int16) {
  if (p.sample_rate < 1 || p.sample_rate > kMostRate) return "sample_rate out of range";
  if (p.n_fft < 1 || p.n_fft > kMostFft) return "n_fft out of range";
  if (!product_of_2_3_5(p.n_fft)) return "n_fft is no product of 2, 3 and 5";
  if (padding > 2) return "unknown padding";
  if (p.frame_length < 1 || p.frame_length > p.n_fft) return "frame_length out of range";
  if (padding != 0 && p.frame_length != p.n_fft) return "padded frames are not n_fft long";
  if (p.hop_length < 1 || p.hop_length > kMostHop) return "hop_length out of range";
  if (p.win_length < 1 || p.win_length > p.frame_length ||
      p.window_start > p.frame_length - p.win_length)
    return "the window lies outside the frame";
  if (drop_last > 1 || round_int16 > 1) return "a flag is neither 0 nor 1";
  if (drop_last == 1 && (padding == 0 || p.hop_length > p.n_fft / 2))
    return "drop_last without padding or with too long a hop_length";
  if (p.power != 1 && p.power != 2) return "power is neither 1 nor 2";
  if (p.n_mels < 1 || p.n_mels > kMostMels) return "n_mels out of range";
  if (!(p.preemphasis >= 0 && p.preemphasis < 1)) return "preemphasis out of range";
  if (!within(p.log_offset, 0, 1e30) || !within(p.log_floor, 0, 1e30) ||
      p.log_offset + p.log_floor < kLowestLevel)
    return "log_offset and log_floor out of range";
  if (!within(p.log_scale, 1e-30, 1e30)) return "log_scale out of range";
  if (!within(p.log_shift, -1e30, 1e30)) return "log_shift out of range";
  if (!within(p.range, 0, 1e30)) return "range out of range";
  return "";
}

std::string check_tables(const Program& p) {
  std::uint64_t weights = 0;
  for (const Band& band : p.bands) {
    if (band.weights > p.bins() || band.first_bin > p.bins() - band.weights)
      return "a mel band reaches beyond the last bin";
    weights += band.weights;
  }
  if (weights != p.weights.size()) return "the mel bands and their weights do not match";
  for (double value : p.window)
    if (!std::isfinite(value)) return "the window holds a value that is not finite";
  for (float value : p.weights)
    if (!(value >= 0) || !std::isfinite(value)) return "a mel weight is negative or not finite";
  return "";
}

}  // namespace

std::uint64_t Program::frames(std::uint64_t samples) const {
  const std::uint64_t padded = prepared(samples) + 2 * std::uint64_t{pad()};
  if (prepared(samples) == 0 || padded < frame_length) return 0;
  return 1 + (padded - frame_length) / hop_length - (drop_last ? 1 : 0);
}

std::string parse(const void* bytes, std::size_t size, Program& p) {
  Reader reader(bytes, size);
  char magic[8];
  std::uint32_t version, length, n[12];
  double values[6];
  if (!reader.read(magic, 8) || std::memcmp(magic, kMagic, 8) != 0) return "not a front end";
  if (!reader.read(&version, 1) || version != kVersion) return "made by another version of tinyalm";
  if (!reader.read(&length, 1) || length != size) return "truncated or longer than it says";
  if (!reader.read(n, 12) || !reader.read(values, 6)) return "truncated";
  p.sample_rate = n[0], p.n_fft = n[1], p.frame_length = n[2], p.hop_length = n[3];
  p.window_start = n[4], p.win_length = n[5];
  p.drop_last = n[7] == 1, p.round_int16 = n[8] == 1;
  p.power = n[9], p.n_mels = n[10];
  p.preemphasis = values[0], p.log_offset = values[1], p.log_floor = values[2];
  p.log_scale = values[3], p.log_shift = values[4], p.range = values[5];
  if (std::string wrong = check(p, n[6], n[7], n[8]); !wrong.empty()) return wrong;
  p.padding = static_cast<Padding>(n[6]);
  const std::uint64_t rest =
      std::uint64_t{8} * p.win_length + 8 * p.n_mels + std::uint64_t{4} * n[11];
  if (reader.left() != rest) return "its tables have another size than it says";
  p.window.resize(p.win_length);
  p.bands.resize(p.n_mels);
  p.weights.resize(n[11]);
  reader.read(p.window.data(), p.window.size());
  reader.read(p.bands.data(), p.bands.size());
  reader.read(p.weights.data(), p.weights.size());
  return check_tables(p);
}

}  // namespace tinyalm
