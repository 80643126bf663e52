#include <math.h>
#include <string.h>

#include <algorithm>

#include "cases.h"

Results by_definition(const Case& of) {
  Results results;
  const size_t size = static_cast<size_t>(of.samples * of.values());
  const int64_t classes = of.classes;
  results.sums.resize(static_cast<size_t>(of.rows() * of.samples * classes));
  results.map.resize(static_cast<size_t>(of.samples * of.pixels));
  for (const int wrt : {0, 1}) {
    if (wrt == softseg::kLabels && of.label_kind != softseg::kFloat32) continue;
    results.gradients[wrt].resize(size);
    results.map_gradients[wrt].resize(size);
  }
  const double outcomes = of.entropy_kind == softseg::kCategorical ? static_cast<double>(classes) : 2;
  const double keep = 1.0 - of.label_smoothing, share = of.label_smoothing / outcomes;
  const bool soft_max = of.activation == softseg::kSoftmax;
  const double sharpness = of.activation == softseg::kNone ? 1 : of.sharpness;
  const auto* indices = of.labels.block.as<const int32_t>();
  const auto label = [&](int64_t pixel, int64_t c, int64_t at) -> double {
    switch (of.label_kind) {
      case softseg::kIndices: return indices[pixel] == (classes == 1 ? 1 : c);
      case softseg::kInt32: return indices[at];
      case softseg::kBool: return of.labels.block.as<const uint8_t>()[at] != 0;
      default: return of.labels.block.as<const float>()[at];
    }
  };
  std::vector<double> p(static_cast<size_t>(classes)), slope[2], slope_size[2], sum_sizes(results.sums.size());
  const auto raise = [](double& largest, double size) { largest = std::max(largest, size); };
  for (int64_t n = 0; n < of.samples; n++)
    for (int64_t i = 0; i < of.pixels; i++) {
      const int64_t pixel = n * of.pixels + i;
      const double w = of.weighted ? of.weights.block.as<float>()[pixel] : 1;
      if (!(w > 0)) continue;
      const auto at = [&](int64_t c) {
        return of.classes_first ? (n * classes + c) * of.pixels + i : pixel * classes + c;
      };
      double total = 0;
      for (int64_t c = 0; c < classes; c++) {
        const double z = sharpness * of.predictions.block.as<float>()[at(c)];
        p[c] = soft_max ? exp(z) : of.activation == softseg::kSigmoid ? 1 / (1 + exp(-z)) : z;
        total += p[c];
      }
      if (soft_max)
        for (double& x : p) x /= total;

      // Slopes of what this pixel adds to the sums and the map, without its weight: with respect to p, and to labels.
      for (const bool map : {false, true}) {
        for (auto* const both : {slope, slope_size})
          for (const int wrt : {0, 1}) both[wrt].assign(static_cast<size_t>(classes), 0);
        double of_pixel = 0, size_of_pixel = 0;
        for (int64_t c = 0; c < classes; c++) {
          const double q = p[c], t = label(pixel, c, at(c));
          const double smooth = t * keep + share;
          const double positive = of.pos_weight.empty() ? 1 : of.pos_weight[c];
          const auto part = [](double x) { return x > 0 ? x * log(x) : 0; };
          double entropy = -smooth * log(q), to_p = -smooth / q, to_t = -log(q);
          // The same with every sign positive.
          double entropy_size = fabs(entropy) * positive;
          double to_p_size = fabs(to_p) * positive, to_t_size = to_t * positive;
          if (of.binary()) {
            entropy_size += (1 - smooth) * -log(1 - q);
            to_p_size += (1 - smooth) / (1 - q);
            to_t_size += -log(1 - q);
            entropy = entropy * positive - (1 - smooth) * log(1 - q);
            to_p = to_p * positive + (1 - smooth) / (1 - q);
            to_t = to_t * positive + log(1 - q);
          }
          if (of.subtract_entropy) {
            entropy += part(smooth) + (of.binary() ? part(1 - smooth) : 0);
            to_t += of.binary() ? log(smooth) - log(1 - smooth) : log(smooth) + 1;
            entropy_size += -part(smooth) - part(1 - smooth);
            to_t_size += fabs(log(smooth)) + (of.binary() ? fabs(log(1 - smooth)) : 1);
          }
          to_t *= keep;
          // If float32 cannot tell p and t apart, either slope of abs(p - t) is correct.
          const double sign = q == t ? 0 : fabs(q - t) < 1e-6 ? NAN : q > t ? 1 : -1;
          const double terms[] = {q * t, q, t, fabs(q - t), std::min(q, t), q * q, t * t, entropy, 1};
          const double to_ps[] = {t, 1, 0, sign, (1 - sign) / 2, 2 * q, 0, to_p, 0};
          const double to_ts[] = {q, 0, 1, -sign, (1 + sign) / 2, 0, 2 * t, to_t, 0};
          const double term_sizes[] = {q * t, q, t, fabs(q - t), std::min(q, t), q * q, t * t, entropy_size, 1};
          const double to_p_sizes[] = {t, 1, 0, 1, 1, 2 * q, 0, to_p_size, 0};
          const double to_t_sizes[] = {q, 0, 1, 1, 1, 0, 2 * t, to_t_size, 0};
          if (map) {
            of_pixel += w * of.coefficients[c] * entropy;
            size_of_pixel += w * fabs(of.coefficients[c]) * entropy_size;
            const double upstream = of.coefficients[c] * of.map_dy[pixel];
            slope[0][c] = upstream * to_p;
            slope[1][c] = upstream * to_t;
            slope_size[0][c] = fabs(upstream) * to_p_size;
            slope_size[1][c] = fabs(upstream) * to_t_size;
            continue;
          }
          for (int k = 0, row = 0; k <= softseg::kSummands; k++) {
            if (!(of.sums & 1 << k)) continue;
            const size_t cell = static_cast<size_t>((row++ * of.samples + n) * classes + c);
            results.sums[cell] += w * terms[k];
            slope[0][c] += of.dy[cell] * to_ps[k];
            slope[1][c] += of.dy[cell] * to_ts[k];
            raise(results.largest.sums, sum_sizes[cell] += w * term_sizes[k]);
            slope_size[0][c] += fabs(of.dy[cell]) * to_p_sizes[k];
            slope_size[1][c] += fabs(of.dy[cell]) * to_t_sizes[k];
          }
        }
        if (map) {
          results.map[pixel] = static_cast<float>(of_pixel);
          raise(results.largest.map, size_of_pixel);
        }
        double mean = 0, mean_size = 0;
        for (int64_t c = 0; c < classes; c++) {
          mean += p[c] * slope[0][c];
          mean_size += p[c] * slope_size[0][c];
        }
        for (int64_t c = 0; c < classes; c++) {
          const double inner = soft_max ? p[c] * (slope[0][c] - mean)
                               : of.activation == softseg::kSigmoid ? slope[0][c] * p[c] * (1 - p[c])
                                                                    : slope[0][c];
          auto* const to = map ? results.map_gradients : results.gradients;
          to[0][at(c)] = static_cast<float>(w * sharpness * inner);
          if (!to[1].empty()) to[1][at(c)] = static_cast<float>(w * slope[1][c]);
          double* const largest = map ? results.largest.map_gradients : results.largest.gradients;
          const double size = soft_max                             ? p[c] * (slope_size[0][c] + mean_size)
                              : of.activation == softseg::kSigmoid ? slope_size[0][c] * p[c] * (1 - p[c])
                                                                   : slope_size[0][c];
          raise(largest[0], w * sharpness * size);
          raise(largest[1], w * slope_size[1][c]);
        }
      }
    }
  return results;
}

template <typename T>
static void expect_near(const std::string& what, const std::vector<T>& got, const std::vector<T>& wanted,
                        double largest) {
  constexpr double kTolerance = 3e-6;
  if (got.size() != wanted.size()) fail(what + ": another number of values");
  for (size_t i = 0; i < got.size(); i++) {
    if (isnan(wanted[i])) continue;
    if (fabs(static_cast<double>(got[i]) - wanted[i]) <= kTolerance * largest + 1e-30) continue;
    fail(what + ": " + std::to_string(got[i]) + " instead of " + std::to_string(wanted[i]) + " at " +
         std::to_string(i) + " of " + std::to_string(got.size()));
  }
}

void expect_near(const char* what, const Results& got, const Results& wanted) {
  const std::string by = std::string(what) + ": ";
  expect_near(by + "sums", got.sums, wanted.sums, wanted.largest.sums);
  expect_near(by + "map", got.map, wanted.map, wanted.largest.map);
  for (const int wrt : {0, 1}) {
    const std::string to = wrt == 0 ? "predictions" : "labels";
    expect_near(by + "gradient of sums to " + to, got.gradients[wrt], wanted.gradients[wrt],
                wanted.largest.gradients[wrt]);
    expect_near(by + "gradient of the map to " + to, got.map_gradients[wrt], wanted.map_gradients[wrt],
                wanted.largest.map_gradients[wrt]);
  }
}

template <typename T>
static bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

bool same_bits(const Results& a, const Results& b) {
  bool same = same_bits(a.sums, b.sums) && same_bits(a.map, b.map);
  for (const int wrt : {0, 1})
    same = same && same_bits(a.gradients[wrt], b.gradients[wrt]) &&
           same_bits(a.map_gradients[wrt], b.map_gradients[wrt]);
  return same;
}
