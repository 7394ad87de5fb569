// Drives the harness without libFuzzer, for so many seconds or inputs:
//     fuzz_logmel [--seconds S] [--seed N] [--first I] [--count C] [FRONT_END.logmel...]
// Every input is made from the seed and its number alone, so that a finding can be repeated.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz_logmel.h"

// Of the sanitizers, where they are linked.
extern "C" void __sanitizer_set_death_callback(void (*)()) __attribute__((weak));

namespace {

using Bytes = std::vector<uint8_t>;

uint64_t seed = 1, number = 0;

void tell() {
  std::fprintf(stderr, "repeat with --seed %llu --first %llu --count 1 and the same files\n",
               static_cast<unsigned long long>(seed), static_cast<unsigned long long>(number));
}

class Maker {
 public:
  explicit Maker(uint64_t of) : random_(of) {}

  // From one below `limit`.
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool one_in(uint32_t chances) { return below(chances) == 0; }

  Bytes input(const std::vector<Bytes>& corpus) {
    Bytes program =
        corpus.empty() || !one_in(4) ? made() : corpus[below(static_cast<uint32_t>(corpus.size()))];
    if (one_in(2)) damage(program);
    Bytes script(below(200));
    for (uint8_t& byte : script) byte = static_cast<uint8_t>(random_());
    Bytes all{static_cast<uint8_t>(script.size()), 0};
    all.insert(all.end(), script.begin(), script.end());
    all.insert(all.end(), program.begin(), program.end());
    return all;
  }

 private:
  template <typename T>
  static void put(Bytes& to, T value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    to.insert(to.end(), bytes, bytes + sizeof value);
  }

  uint32_t smooth() {
    const uint32_t most = one_in(100) ? 1u << 16 : one_in(10) ? 3000 : 200;
    for (uint32_t size = 1;;) {
      const uint32_t next = size * std::array{2u, 2u, 3u, 5u}[below(4)];
      if (next > most || one_in(12)) return size;
      size = next;
    }
  }

  double real() {
    const double values[] = {0, 1e-30, 1e-10, 1e-3, 0.97, 1, 4, 1e30};
    return values[below(8)];
  }

  // A program that holds together, mostly.
  Bytes made() {
    const uint32_t n_fft = smooth(), padding = below(3);
    const uint32_t frame = padding ? n_fft : 1 + below(n_fft);
    const uint32_t window = 1 + below(frame), start = below(frame - window + 1);
    const uint32_t hop =
        one_in(8) ? 1 + below(one_in(9) ? 1u << 20 : 2 * n_fft + 2) : 1 + below(n_fft / 2 + 1);
    const uint32_t mels = one_in(50) ? 1 + below(1024) : 1 + below(20);
    Bytes bands, weights;
    uint32_t count = 0;
    for (uint32_t i = 0; i < mels; ++i) {
      const uint32_t width = std::min(below(one_in(9) ? 1000 : 9), n_fft / 2 + 1);
      put(bands, below(n_fft / 2 + 2 - width));
      put(bands, width);
      for (uint32_t k = 0; k < width; ++k)
        put(weights, one_in(20) ? 0.0f : static_cast<float>(below(1000)) / 999);
      count += width;
    }
    Bytes body;
    const bool drops = padding && hop <= n_fft / 2 && one_in(3);
    for (uint32_t field : {16000u, n_fft, frame, hop, start, window, padding, uint32_t{drops},
                           below(2), 1 + below(2), mels, count})
      put(body, field);
    put(body, one_in(3) ? 0.97 : 0.0);
    put(body, one_in(5) ? real() : 1e-5);
    put(body, one_in(5) ? real() : 1e-10);
    put(body, one_in(5) ? real() : 1.0);
    put(body, one_in(5) ? -real() : 1.0);
    put(body, one_in(4) ? real() : 0.0);
    for (uint32_t i = 0; i < window; ++i)
      put(body, one_in(40) ? real() : static_cast<double>(below(1000)) / 999);
    body.insert(body.end(), bands.begin(), bands.end());
    body.insert(body.end(), weights.begin(), weights.end());
    Bytes program{'L', 'O', 'G', 'M', 'E', 'L', '\r', '\n', 1, 0, 0, 0};
    put(program, static_cast<uint32_t>(body.size() + 16));
    program.insert(program.end(), body.begin(), body.end());
    return program;
  }

  // Mostly in the header, and mostly with the right length again.
  void damage(Bytes& program) {
    for (uint32_t times = 1 + below(4); times > 0 && !program.empty(); --times) {
      const auto size = static_cast<uint32_t>(program.size());
      const uint32_t at = below(one_in(3) ? size : std::min(size, 112u));
      switch (below(8)) {
        case 0:
          program[at] ^= static_cast<uint8_t>(1u << below(8));
          break;
        case 1:
          program[at] = static_cast<uint8_t>(random_());
          break;
        case 2:
          overwrite(program, at / 4 * 4, word());
          break;
        case 3:
          overwrite(program, at / 8 * 8, extreme());
          break;
        case 4:
          program.resize(at);
          break;
        case 5:
          program.resize(size + below(64), 0);
          break;
        case 6:
          program.insert(program.begin() + at, below(16), 0);
          break;
        default:
          program.erase(program.begin() + at, program.begin() + at + below(size - at));
      }
    }
    if (!one_in(8)) overwrite(program, 12, static_cast<uint32_t>(program.size()));
  }

  template <typename T>
  static void overwrite(Bytes& program, size_t at, T value) {
    if (at + sizeof value <= program.size()) std::memcpy(program.data() + at, &value, sizeof value);
  }

  uint32_t word() {
    const uint32_t words[] = {0, 1, 2, 3, 4, 5, 8, 0x7fffffff, 0x80000000, 0xffffffff, 1u << 20};
    return one_in(3) ? below(1000) : words[below(11)];
  }

  double extreme() {
    const uint64_t bits = random_();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return one_in(2) ? value : one_in(2) ? -real() : real();
  }

  std::mt19937_64 random_;
};

struct Options {
  double seconds = 1e9;
  uint64_t count = UINT64_MAX;
  std::vector<Bytes> corpus;
};

// Whether the command line makes sense.
bool read(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (name.rfind("--", 0) == 0) {
      if (++i == count) return false;
      const char* value = arguments[i];
      if (name == "--seconds")
        options.seconds = std::atof(value);
      else if (name == "--seed")
        seed = std::strtoull(value, nullptr, 10);
      else if (name == "--first")
        number = std::strtoull(value, nullptr, 10);
      else if (name == "--count")
        options.count = std::strtoull(value, nullptr, 10);
      else
        return false;
    } else {
      std::ifstream file(name, std::ios::binary);
      if (!file) return false;
      options.corpus.emplace_back(std::istreambuf_iterator<char>(file),
                                  std::istreambuf_iterator<char>());
    }
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!read(count, arguments, options)) {
    std::fprintf(stderr,
                 "usage: fuzz_logmel [--seconds S] [--seed N] [--first I] [--count C] "
                 "[FRONT_END.logmel...]\n");
    return 2;
  }
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(tell);
  std::signal(SIGABRT, [](int) { tell(); });
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
  for (; options.count > 0 && Clock::now() < end; --options.count, ++number) {
    const Bytes input = Maker(seed * 1000003 + number).input(options.corpus);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%zu inputs, %zu programs taken, %zu frames, %zu streams compared, no findings\n",
              fuzz_counts.inputs, fuzz_counts.handles, fuzz_counts.frames, fuzz_counts.streams);
}
