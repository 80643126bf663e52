#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <limits>

using fake::Values;

char at_work[300] = "starting";

void say_where() { fprintf(stderr, "at work: %s\n", at_work); }

void fail(const std::string& problem) {
  fprintf(stderr, "%s\n", problem.c_str());
  say_where();
  exit(1);
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

float wild(Random& random) {
  switch (random.below(8)) {
    case 0: return random.of({0.f, -0.f, kInfinity, -kInfinity, kNan, -kNan, 1e-45f, -1e-45f, 1e4f, -1e4f, 3.4e38f});
    case 1: {
      const uint32_t bits = static_cast<uint32_t>(random.bits());
      float x;
      memcpy(&x, &bits, sizeof x);
      return x;
    }
    case 2: return static_cast<float>(random.between(-200, 200));
    default: {
      const float size = static_cast<float>(pow(10, random.between(-45, 38.5)));
      return random.one_in(2) ? size : -size;
    }
  }
}

int32_t wild_int(Random& random) {
  const int32_t any = static_cast<int32_t>(static_cast<uint32_t>(random.bits()));
  return random.of({0, 1, -1, 2, 255, INT32_MIN, INT32_MAX, any});
}

static Values draw_labels(Random& random, int32_t kind, bool moderate, std::vector<int64_t> dims, int64_t size,
                          int64_t pixels, int64_t samples, int64_t classes) {
  switch (kind) {
    case softseg::kIndices:
      return tensor(TF_INT32, {samples, pixels}, many<int32_t>(samples * pixels, [&] {
                      return random.one_in(5) ? wild_int(random) : static_cast<int32_t>(random.below(classes + 2)) - 1;
                    }));
    case softseg::kInt32:
      return tensor(TF_INT32, std::move(dims), many<int32_t>(size, [&] {
                      return moderate ? static_cast<int32_t>(random.below(2)) : wild_int(random);
                    }));
    case softseg::kBool:
      return tensor(TF_BOOL, std::move(dims), many<uint8_t>(size, [&] {
                      return static_cast<uint8_t>(moderate ? random.below(2) : random.below(256));
                    }));
    default:
      return tensor(TF_FLOAT, std::move(dims), many<float>(size, [&] {
                      return moderate ? static_cast<float>(random.between(0.01, 0.99)) : wild(random);
                    }));
  }
}

// Puts wild values where pixels do not count; none of them may affect a result.
static void hide_wild_values(Random& random, const Case& of) {
  for (int64_t pixel = 0; pixel < of.samples * of.pixels; pixel++) {
    if (of.weights.block.as<float>()[pixel] > 0) continue;
    const int64_t n = pixel / of.pixels, i = pixel % of.pixels;
    for (int64_t c = 0; c < of.classes; c++) {
      const int64_t at = of.classes_first ? (n * of.classes + c) * of.pixels + i : pixel * of.classes + c;
      of.predictions.block.as<float>()[at] = wild(random);
      if (of.label_kind == softseg::kFloat32) of.labels.block.as<float>()[at] = wild(random);
    }
  }
}

Case draw_case(Random& random, int64_t most_values) {
  int64_t classes = 1 + random.below(1030);
  if (!random.one_in(3))
    classes = random.of<int64_t>({1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 21, 33, 47, 48, 49, 64, 150, 1030});
  int64_t pixels = random.below(3000);
  if (!random.one_in(3)) {
    pixels = random.of<int64_t>(
        {0, 1, 1, 2, 3, 7, 8, 15, 16, 17, 31, 63, 64, 65, 127, 129, 256, 1000, 4096, 4097, 8200, 70001});
  }
  int64_t samples = random.of<int64_t>({0, 1, 1, 1, 2, 2, 3, 5, 70});
  while (samples * pixels * classes > most_values) {
    if (samples > 1) samples = 1;
    else pixels = random.one_in(2) ? pixels / 2 : pixels * 3 / 4;
  }
  const bool moderate = random.one_in(2);
  const bool classes_first = random.one_in(2);
  const int32_t kind = static_cast<int32_t>(random.below(4));
  const int32_t activation = static_cast<int32_t>(random.below(3));
  const int64_t size = samples * pixels * classes;
  const std::vector<int64_t> dims = classes_first ? std::vector<int64_t>{samples, classes, pixels}
                                                  : std::vector<int64_t>{samples, pixels, classes};
  const auto number = [&](double from, double to) {
    return moderate ? static_cast<float>(random.between(from, to)) : wild(random);
  };
  const int32_t sums = random.one_in(3) ? 1 << random.below(softseg::kSummands + 1)
                                        : 1 + static_cast<int32_t>(random.below(softseg::kAllSums));
  const bool probabilities = activation == softseg::kNone;
  const int32_t entropy_kind = activation == softseg::kSoftmax   ? softseg::kCategorical
                               : activation == softseg::kSigmoid ? softseg::kBinary
                                                                 : static_cast<int32_t>(random.below(2));
  const bool weighted = random.one_in(2);
  std::vector<float> pos_weight;
  if (random.one_in(3)) pos_weight = many<float>(classes, [&] { return number(0.5, 3); });
  Case of{samples,
          pixels,
          classes,
          classes_first,
          moderate,
          kind,
          activation,
          entropy_kind,
          static_cast<int32_t>(random.below(2)),
          sums,
          random.one_in(2) ? 1.f : number(0.5, 2),
          random.one_in(2) ? 0.f : number(0.01, 0.3),
          weighted,
          pos_weight,
          tensor(TF_FLOAT, dims, many<float>(size, [&] { return probabilities ? number(0.05, 0.95) : number(-2, 2); })),
          draw_labels(random, kind, moderate, dims, size, pixels, samples, classes),
          tensor(TF_FLOAT, {weighted ? samples * pixels : 0}, many<float>(weighted ? samples * pixels : 0, [&] {
                   return random.one_in(4) ? 0.f : number(0.1, 2);
                 })),
          many<float>(__builtin_popcount(static_cast<uint32_t>(sums)) * samples * classes,
                      [&] { return number(-1, 1); }),
          many<float>(classes, [&] { return number(-1, 1); }),
          many<float>(samples * pixels, [&] { return number(-1, 1); })};
  if (moderate && weighted) hide_wild_values(random, of);
  return of;
}

void describe(uint64_t seed, uint64_t number, const Case& of) {
  snprintf(at_work, sizeof at_work,
           "seed %llu, case %llu: N %lld, P %lld, C %lld, classes %s, label kind %d, activation %d, entropy kind %d%s, "
           "sums %d%s%s%s",
           static_cast<unsigned long long>(seed), static_cast<unsigned long long>(number),
           static_cast<long long>(of.samples), static_cast<long long>(of.pixels), static_cast<long long>(of.classes),
           of.classes_first ? "first" : "last", of.label_kind, of.activation, of.entropy_kind,
           of.subtract_entropy ? " minus that of labels" : "", of.sums, of.weighted ? ", weights" : "",
           of.pos_weight.empty() ? "" : ", weights of positives", of.moderate ? "" : ", wild values");
}
