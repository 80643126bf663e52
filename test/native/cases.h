// Random cases for the passes, their results, and the expected results.
#pragma once

#include <stdint.h>

#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "fakeTensorflow.h"
#include "overlap.h"

// --- Failures ---

// The current case, for messages.
extern char at_work[300];
void say_where();
[[noreturn]] void fail(const std::string& problem);

// --- Drawing ---

class Random {
 public:
  Random(uint64_t seed, uint64_t number) {
    std::seed_seq both{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32), static_cast<uint32_t>(number)};
    bits_.seed(both);
  }
  uint64_t bits() { return bits_(); }
  int64_t below(int64_t end) { return static_cast<int64_t>(bits_() % static_cast<uint64_t>(end)); }
  bool one_in(int n) { return below(n) == 0; }
  double between(double from, double to) { return from + (to - from) * static_cast<double>(bits_() >> 11) * 0x1p-53; }
  template <typename T>
  T of(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<int64_t>(values.size()))];
  }

 private:
  std::mt19937_64 bits_;
};

// Any float: subnormal, infinite, NaN, of any size.
float wild(Random& random);
int32_t wild_int(Random& random);

template <typename T, typename Draw>
std::vector<T> many(int64_t count, Draw draw) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) value = draw();
  return values;
}

template <typename T>
fake::Values tensor(TF_DataType type, std::vector<int64_t> dims, const std::vector<T>& values) {
  return {type, std::move(dims), fake::Block::of(values)};
}

// --- Cases ---

struct Case {
  int64_t samples, pixels, classes;
  bool classes_first;
  bool moderate;  // comparable with float64
  int32_t label_kind, activation, entropy_kind, subtract_entropy, sums;
  float sharpness, label_smoothing;
  bool weighted;
  std::vector<float> pos_weight;
  fake::Values predictions, labels, weights;
  std::vector<float> dy;            // [S,N,C]
  std::vector<float> coefficients;  // [C]
  std::vector<float> map_dy;        // [N,P]

  int64_t values() const { return pixels * classes; }
  int32_t rows() const { return __builtin_popcount(static_cast<uint32_t>(sums)); }
  bool indices() const { return label_kind == softseg::kIndices; }
  bool binary() const {
    return activation == softseg::kSigmoid || (activation == softseg::kNone && entropy_kind == softseg::kBinary);
  }
};

// A case whose predictions have at most this many values.
Case draw_case(Random& random, int64_t most_values);

void describe(uint64_t seed, uint64_t number, const Case& of);

// --- Results ---

// Everything that can be computed for a case.
struct Results {
  std::vector<double> sums;           // [S,N,C]
  std::vector<float> map;             // [N,P]
  std::vector<float> gradients[2];    // of sums, to predictions and labels
  std::vector<float> map_gradients[2];
  // From by_definition: the largest size of each result if nothing cancelled, to which rounding errors are relative.
  struct {
    double sums = 0, map = 0, gradients[2] = {0, 0}, map_gradients[2] = {0, 0};
  } largest;
};

// The passes by their definitions, in float64; only meaningful for moderate values.
Results by_definition(const Case& of);

void expect_near(const char* what, const Results& got, const Results& wanted);

bool same_bits(const Results& a, const Results& b);

// Compares each function of vectors.h, on floats of any kind, with the C library's in float64.
void check_arithmetic(Random& random);
