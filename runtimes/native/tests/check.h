// The whole test framework: a failed CHECK ends its test, and every test runs with every front end.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "front_end.h"

struct Failure {
  const char* file;
  int line;
  std::string what;
};

#define CHECK(condition) \
  (condition) ? void() : throw Failure { __FILE__, __LINE__, #condition }

#define CHECK_EQUAL(found, expected) check_equal(found, expected, #found, __FILE__, __LINE__)

template <typename Found, typename Expected>
void check_equal(const Found& found, const Expected& expected, const char* what, const char* file,
                 int line) {
  if (found == static_cast<Found>(expected)) return;
  std::ostringstream text;
  text << what << " is " << found << " and should be " << expected;
  throw Failure{file, line, text.str()};
}

struct Test {
  const char* name;
  void (*body)(const FrontEnd&);
};

std::vector<Test>& all_tests();

inline bool add_test(const char* name, void (*body)(const FrontEnd&)) {
  all_tests().push_back({name, body});
  return true;
}

#define TEST(name)                                        \
  static void name(const FrontEnd& front_end);            \
  static const bool name##_added = add_test(#name, name); \
  static void name([[maybe_unused]] const FrontEnd& front_end)
