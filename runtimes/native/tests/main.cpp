// Tests of the C interface: logmel_tests LEVEL FRONT_END.logmel...
#include <cstdio>
#include <fstream>
#include <iterator>

#include "check.h"

std::vector<Test>& all_tests() {
  static std::vector<Test> tests;
  return tests;
}

namespace {

constexpr const char* kLevels[] = {"best", "portable", "avx2", "avx512", "neon"};

int level_named(const std::string& name) {
  for (int level = TINYALM_LEVEL_BEST; level <= TINYALM_LEVEL_NEON; ++level)
    if (name == kLevels[level] && tinyalm_logmel_has_level(level)) return level;
  return -1;
}

bool passes(const Test& test, const FrontEnd& front_end) {
  try {
    test.body(front_end);
    return true;
  } catch (const Failure& failure) {
    std::fprintf(stderr, "%s:%d: %s with %s: %s\n", failure.file, failure.line, test.name,
                 front_end.name.c_str(), failure.what.c_str());
    return false;
  }
}

}  // namespace

int main(int count, char** arguments) {
  const int level = count > 2 ? level_named(arguments[1]) : -1;
  if (level < 0) {
    std::fprintf(stderr, "usage: logmel_tests LEVEL FRONT_END.logmel...; levels here are");
    for (const char* name : kLevels)
      if (level_named(name) >= 0) std::fprintf(stderr, " %s", name);
    std::fprintf(stderr, "\n");
    return 2;
  }
  int passed = 0, failed = 0;
  for (int i = 2; i < count; ++i) {
    std::ifstream file(arguments[i], std::ios::binary);
    const Bytes program{std::istreambuf_iterator<char>(file), {}};
    if (program.size() < field::window) {
      std::fprintf(stderr, "%s: cannot be read, or is no front end\n", arguments[i]);
      return 2;
    }
    for (const Test& test : all_tests())
      ++(passes(test, {arguments[i], program, level}) ? passed : failed);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed > 0;
}
