#include "overlap.h"

#include "tile.h"
#include "vectors.h"

namespace softseg {
namespace {

// Upper bound of -log p (the surprise), so that a logit of -Infinity gives a finite loss.
constexpr float kLargestSurprise = 1e9f;
// With activation none, probabilities are kept this far from 0 (and 1) in logarithms and divisions.
constexpr float kSmallestProbability = 1e-12f;
// The number of tiles whose sums are added up in floats before they are added to doubles. A float then holds the sum of
// at most 8·64/kLanes pixels, which is 128 where a vector has 4 lanes.
constexpr int kTilesOfRun = 8;

// The combinations of activation and kind of entropy that need different code.
enum Kind { kSoftmaxKind, kSigmoidKind, kNoneCategorical, kNoneBinary };

// The sums of p and t that a loop computes, a superset of those that are requested.
enum Family { kNoSum, kProductSums, kMetricSums, kEverySum };

constexpr int kRegionSums =
    kIntersection | kPredicted | kLabelled | kDifference | kMinimum | kPredictedSquared | kLabelledSquared;

Kind kind_of(const Pass& pass) {
  if (pass.activation == kSoftmax) return kSoftmaxKind;
  if (pass.activation == kSigmoid) return kSigmoidKind;
  return pass.entropy_kind == kCategorical ? kNoneCategorical : kNoneBinary;
}

Family family_of(int32_t sums) {
  const int32_t asked = sums & kRegionSums;
  if (asked == 0) return kNoSum;
  if ((asked & ~(kIntersection | kPredicted | kLabelled)) == 0) return kProductSums;
  if ((asked & ~(kPredicted | kLabelled | kMinimum)) == 0) return kMetricSums;
  return kEverySum;
}

struct Tile {
  int width;       // pixels in a row
  int columns;     // vectors in a row
  int32_t classes;
  Lanes* z;        // [C][columns]: sharpness·logits, or probabilities with activation none
  Lanes* p;        // [C][columns]: under softmax, the probabilities
  Lanes* t;        // [C][columns]: labels
  Lanes* log_sum;  // [columns]: under softmax, log of the sum of exp(z - max); z is then z - max
  Lanes* w;        // [columns]: weights, 0 beyond the last pixel
};

// The sums of a run of tiles, [C] each; null if not requested.
struct Accumulators {
  Lanes* sum[kSummands];
};

struct Scratch {
  Tile tile;
  Lanes* sums;       // [kSummands][C]
  float* upstream;   // [kSummands][C]
};

size_t lanes_of_scratch(int32_t classes, int width) {
  const size_t columns = width / kLanes;
  return 3 * classes * columns + 2 * columns + kSummands * classes;
}

Scratch divide_scratch(void* memory, int32_t classes, int width) {
  const size_t columns = width / kLanes;
  Lanes* at = static_cast<Lanes*>(memory);
  auto take = [&at](size_t count) {
    Lanes* taken = at;
    at += count;
    return taken;
  };
  Scratch scratch;
  scratch.tile = {width, (int)columns, classes, take(classes * columns), take(classes * columns),
                  take(classes * columns), take(columns), take(columns)};
  scratch.sums = take(kSummands * classes);
  scratch.upstream = reinterpret_cast<float*>(at);
  return scratch;
}

// --- Filling a tile ---

void load_predictions(const Pass& pass, const float* predictions, int64_t first, int n, const Tile& tile) {
  float* rows = reinterpret_cast<float*>(tile.z);
  if (pass.class_stride == 1) {
    to_rows(predictions + first * pass.classes, n, pass.classes, rows, tile.width);
  } else {
    for (int32_t c = 0; c < pass.classes; c++)
      memcpy(rows + c * tile.width, predictions + c * (int64_t)pass.class_stride + first, n * sizeof(float));
  }
}

// With few classes, one-hot rows are written completely, vector by vector. With more, the rows are zeros between tiles:
// only the ones are written, and clear_labels sets them back to 0.
constexpr int32_t kMostClassesOfWholeRows = 8;

bool keeps_zeros(const Pass& pass) {
  return pass.label_kind == kIndices && pass.classes > kMostClassesOfWholeRows;
}

void write_one_hot(const int32_t* indices, int n, int32_t classes, float* rows, int width) {
  // A single class is a mask, which is 1 where the index is 1.
  const int32_t first = classes == 1 ? 1 : 0;
  for (int32_t c = 0; c < classes; c++)
    for (int i = 0; i < n; i++) rows[c * width + i] = indices[i] == first + c ? 1.f : 0.f;
}

// Indices outside 0..classes-1 are ignored.
void set_ones(const int32_t* indices, int n, int32_t classes, float* rows, int width, float value) {
  for (int i = 0; i < n; i++) {
    const int32_t index = indices[i];
    if (index >= 0 && index < classes) rows[index * width + i] = value;
  }
}

void load_labels(const Pass& pass, const void* labels, int64_t first, int n, const Tile& tile) {
  float* rows = reinterpret_cast<float*>(tile.t);
  const int width = tile.width;
  const int32_t classes = pass.classes;
  if (pass.label_kind == kIndices) {
    const int32_t* indices = static_cast<const int32_t*>(labels) + first;
    if (keeps_zeros(pass)) {
      set_ones(indices, n, classes, rows, width, 1.f);
    } else {
      write_one_hot(indices, n, classes, rows, width);
    }
    return;
  }
  const int64_t pixel_stride = pass.class_stride == 1 ? classes : 1;
  if (pass.label_kind == kBool) {
    const uint8_t* from = static_cast<const uint8_t*>(labels) + first * pixel_stride;
    for (int32_t c = 0; c < classes; c++)
      for (int i = 0; i < n; i++)
        rows[c * width + i] = from[c * (int64_t)pass.class_stride + i * pixel_stride] ? 1.f : 0.f;
    return;
  }
  const float* from = static_cast<const float*>(labels);
  if (pass.class_stride == 1) {
    to_rows(from + first * classes, n, classes, rows, width);
  } else {
    for (int32_t c = 0; c < classes; c++)
      memcpy(rows + c * width, from + c * (int64_t)pass.class_stride + first, n * sizeof(float));
  }
  if (pass.label_kind == kInt32) {
    for (int i = 0; i < classes * tile.columns; i++) tile.t[i] = __builtin_convertvector((Ints)tile.t[i], Lanes);
  }
}

void clear_labels(const Pass& pass, const void* labels, int64_t first, int n, const Tile& tile) {
  if (!keeps_zeros(pass)) return;
  const int32_t* indices = static_cast<const int32_t*>(labels) + first;
  set_ones(indices, n, pass.classes, reinterpret_cast<float*>(tile.t), tile.width, 0.f);
}

// Loads the pixels first to first + n - 1, with 0 for ignored pixels and beyond the last one.
void load(const Pass& pass, const float* predictions, const void* labels, const float* weights, int64_t first, int n,
          const Tile& tile) {
  const int vectors = tile.classes * tile.columns;
  if (n < tile.width) {
    memset(tile.z, 0, vectors * sizeof(Lanes));
    if (!keeps_zeros(pass)) memset(tile.t, 0, vectors * sizeof(Lanes));
    memset(tile.w, 0, tile.columns * sizeof(Lanes));
  }
  load_predictions(pass, predictions, first, n, tile);
  load_labels(pass, labels, first, n, tile);

  float* w = reinterpret_cast<float*>(tile.w);
  bool all_count = true;
  if (weights) {
    for (int i = 0; i < n; i++) {
      w[i] = weights[first + i];
      all_count &= w[i] > 0.f;
    }
  } else {
    for (int i = 0; i < n; i++) w[i] = 1.f;
  }
  if (!all_count) {
    for (int i = 0; i < vectors; i++) {
      const Ints counts = tile.w[i % tile.columns] > 0.f;
      tile.z[i] = select(counts, tile.z[i], Lanes{});
      if (!keeps_zeros(pass)) tile.t[i] = select(counts, tile.t[i], Lanes{});
    }
  }
  if (pass.activation != kNone && pass.sharpness != 1.f)
    for (int i = 0; i < vectors; i++) tile.z[i] = tile.z[i] * pass.sharpness;
}

// --- Activations and the entropy term ---

// Replaces z by z - max, sets p to its exp, and returns the sum of p over classes.
inline Lanes exponentials(const Tile& tile, int column) {
  Lanes* z = tile.z + column;
  Lanes* p = tile.p + column;
  const int columns = tile.columns;
  const int end = tile.classes * columns;
  Lanes most = z[0];
  for (int i = columns; i < end; i += columns) most = select(z[i] > most, z[i], most);
  Lanes sum{};
  for (int i = 0; i < end; i += columns) {
    const Lanes shifted = z[i] - most;
    const Lanes e = exp_of_nonpositive(shifted);
    z[i] = shifted;
    p[i] = e;
    sum += e;
  }
  return sum;
}

void softmax(const Tile& tile, bool with_log) {
  const int end = tile.classes * tile.columns;
  for (int column = 0; column < tile.columns; column++) {
    const Lanes sum = exponentials(tile, column);
    const Lanes inverse = 1.f / sum;
    for (int i = column; i < end; i += tile.columns) tile.p[i] *= inverse;
    if (with_log) tile.log_sum[column] = log_of(sum);
  }
}

// p (on), 1 - p (off), and e^-|z| (decay).
struct Sigmoid {
  Lanes on, off, decay;
};

inline Sigmoid sigmoid(Lanes z) {
  const Lanes decay = exp_of_nonpositive(-absolute(z));
  const Lanes large = 1.f / (decay + 1.f);
  const Lanes small = decay * large;
  const Ints positive = z > 0.f;
  return {select(positive, large, small), select(positive, small, large), decay};
}

// -log p (on), and for binary entropy -log(1 - p) (off).
struct Surprise {
  Lanes on, off;
};

inline Surprise surprise_of_logit(Lanes z, Lanes decay) {
  const Lanes tail = log_of_one_plus(decay);
  const Lanes over = at_least(z, 0.f), under = at_least(-z, 0.f);
  return {at_most(under + tail, kLargestSurprise), at_most(over + tail, kLargestSurprise)};
}

inline Lanes log_of_probability(Lanes p) { return log_of(at_least(p, kSmallestProbability)); }

// The values of one vector of a tile that a sum or a gradient may need.
template <Kind kKind>
struct Element {
  Lanes p;
  Surprise surprise;
};

template <Kind kKind, bool kEntropy>
inline Element<kKind> element(const Tile& tile, int i, int column) {
  Element<kKind> x{};
  if constexpr (kKind == kSoftmaxKind) {
    x.p = tile.p[i];
    if constexpr (kEntropy) x.surprise.on = at_most(tile.log_sum[column] - tile.z[i], kLargestSurprise);
  } else if constexpr (kKind == kSigmoidKind) {
    const Sigmoid s = sigmoid(tile.z[i]);
    x.p = s.on;
    if constexpr (kEntropy) x.surprise = surprise_of_logit(tile.z[i], s.decay);
  } else {
    x.p = tile.z[i];
    if constexpr (kEntropy) {
      x.surprise.on = -log_of_probability(x.p);
      if constexpr (kKind == kNoneBinary) x.surprise.off = -log_of_probability(1.f - x.p);
    }
  }
  return x;
}

constexpr bool is_binary(Kind kind) { return kind == kSigmoidKind || kind == kNoneBinary; }

// The options of the entropy term. Smoothed labels are t·keep + share.
struct Term {
  float keep, share;
  bool subtract_entropy;
  const float* pos_weight;

  float positive(int32_t c) const { return pos_weight ? pos_weight[c] : 1.f; }
};

Term term_of(const Pass& pass) {
  const int outcomes = pass.entropy_kind == kCategorical ? pass.classes : 2;
  const float e = pass.label_smoothing;
  return {1.f - e, e / outcomes, pass.subtract_entropy != 0, pass.pos_weight};
}

template <Kind kKind>
inline Lanes entropy_term(const Term& term, Lanes t, const Surprise& surprise, float positive) {
  t = t * term.keep + term.share;
  Lanes value = t * surprise.on;
  if constexpr (is_binary(kKind)) value = value * positive + (1.f - t) * surprise.off;
  if (term.subtract_entropy) {
    value += t * log_of_probability(t);
    if constexpr (is_binary(kKind)) value += (1.f - t) * log_of_probability(1.f - t);
  }
  return value;
}

// --- Sums ---

template <Kind kKind, Family kFamily, bool kEntropy>
void add_tile(const Tile& tile, const Term& term, const Accumulators& to) {
  for (int32_t c = 0; c < tile.classes; c++) {
    const float positive = term.positive(c);
    Lanes pt{}, p{}, t{}, difference{}, minimum{}, pp{}, tt{}, entropy{};
    for (int column = 0; column < tile.columns; column++) {
      const int i = c * tile.columns + column;
      const Lanes w = tile.w[column];
      const Lanes label = tile.t[i];
      const Element<kKind> x = element<kKind, kEntropy>(tile, i, column);
      if constexpr (kFamily != kNoSum) {
        const Lanes wp = w * x.p;
        const Lanes wt = w * label;
        p += wp;
        t += wt;
        if constexpr (kFamily != kMetricSums) pt += wp * label;
        // Selected from the same products that p and t add, so that the sum is never larger than either of theirs.
        if constexpr (kFamily != kProductSums) minimum += select(x.p < label, wp, select(x.p == x.p, wt, wp));
        if constexpr (kFamily == kEverySum) {
          difference += w * absolute(x.p - label);
          pp += wp * x.p;
          tt += wt * label;
        }
      }
      if constexpr (kEntropy) entropy += w * entropy_term<kKind>(term, label, x.surprise, positive);
    }
    const Lanes sums[] = {pt, p, t, difference, minimum, pp, tt, entropy};
    for (int k = 0; k < kSummands; k++)
      if (to.sum[k]) to.sum[k][c] += sums[k];
  }
}

using AddTile = void (*)(const Tile&, const Term&, const Accumulators&);

template <Kind kKind, bool kEntropy>
AddTile add_tile_of(Family family) {
  switch (family) {
    case kProductSums: return add_tile<kKind, kProductSums, kEntropy>;
    case kMetricSums: return add_tile<kKind, kMetricSums, kEntropy>;
    case kEverySum: return add_tile<kKind, kEverySum, kEntropy>;
    default: return add_tile<kKind, kNoSum, kEntropy>;
  }
}

template <bool kEntropy>
AddTile add_tile_of(Kind kind, Family family) {
  switch (kind) {
    case kSoftmaxKind: return add_tile_of<kSoftmaxKind, kEntropy>(family);
    case kSigmoidKind: return add_tile_of<kSigmoidKind, kEntropy>(family);
    case kNoneCategorical: return add_tile_of<kNoneCategorical, kEntropy>(family);
    default: return add_tile_of<kNoneBinary, kEntropy>(family);
  }
}

double total(Lanes x) {
  double sum = 0;
  for (int i = 0; i < kLanes; i++) sum += x[i];
  return sum;
}

// --- The gradient ---

// The upstream gradients of the sums, [C] each, 0 if a sum was not requested. Those of squares are doubled, because the
// slope of p² is 2p.
struct Upstream {
  float *intersection, *predicted, *labelled, *difference, *minimum, *predicted_squared, *labelled_squared, *entropy;
};

inline Lanes where(Ints condition, float x) { return (Lanes)(condition & (Ints)all(x)); }

template <Family kFamily>
inline Lanes slope_of_sums(Lanes p, Lanes t, float product, float own, float difference, float minimum, float squared) {
  Lanes slope = all(own);
  if constexpr (kFamily != kMetricSums) slope += t * product;
  // Where p = t, p and t have half of the minimum's slope each.
  if constexpr (kFamily != kProductSums) slope += where(p < t, minimum) + where(p == t, minimum * 0.5f);
  if constexpr (kFamily == kEverySum) slope += where(p > t, difference) - where(p < t, difference) + p * squared;
  return slope;
}

// Replaces z, in one column, by the gradient with respect to the predictions, times a factor for each pixel (scale).
template <Kind kKind, Family kFamily, bool kEntropy>
void predictions_gradient(const Tile& tile, const Term& term, const Upstream& g, int column, Lanes scale) {
  const int columns = tile.columns;
  Lanes inverse{}, total{};
  if constexpr (kKind == kSoftmaxKind) inverse = 1.f / exponentials(tile, column);
  for (int32_t c = 0; c < tile.classes; c++) {
    const int i = c * columns + column;
    const Lanes t = tile.t[i];
    Lanes p{};
    Sigmoid s{};
    if constexpr (kKind == kSoftmaxKind) {
      p = tile.p[i] * inverse;
    } else if constexpr (kKind == kSigmoidKind) {
      s = sigmoid(tile.z[i]);
      p = s.on;
    } else {
      p = tile.z[i];
    }
    Lanes slope{};
    if constexpr (kFamily != kNoSum) {
      slope = slope_of_sums<kFamily>(p, t, g.intersection[c], g.predicted[c], g.difference[c], g.minimum[c],
                                     g.predicted_squared[c]);
      if constexpr (kKind == kSoftmaxKind) slope *= p;
      if constexpr (kKind == kSigmoidKind) slope *= p * s.off;
    }
    if constexpr (kEntropy) {
      const Lanes label = t * term.keep + term.share;
      const Lanes on = label * (is_binary(kKind) ? term.positive(c) : 1.f);
      const float u = g.entropy[c];
      if constexpr (kKind == kSoftmaxKind) slope -= label * u;
      if constexpr (kKind == kSigmoidKind) slope += ((1.f - label) * p - on * s.off) * u;
      if constexpr (kKind == kNoneCategorical) slope -= on / at_least(p, kSmallestProbability) * u;
      if constexpr (kKind == kNoneBinary)
        slope += ((1.f - label) / at_least(1.f - p, kSmallestProbability) - on / at_least(p, kSmallestProbability)) * u;
    }
    if constexpr (kKind == kSoftmaxKind) {
      // The slope with respect to log p. The loop below turns it into that with respect to the logit: slope - p·total.
      tile.p[i] = p;
      total += slope;
      tile.z[i] = slope;
    } else {
      tile.z[i] = slope * scale;
    }
  }
  if constexpr (kKind == kSoftmaxKind) {
    const int end = tile.classes * columns;
    for (int i = column; i < end; i += columns) tile.z[i] = (tile.z[i] - tile.p[i] * total) * scale;
  }
}

// The same for the gradient with respect to the labels.
template <Kind kKind, bool kEntropy>
void labels_gradient(const Tile& tile, const Term& term, const Upstream& g, int column, Lanes scale) {
  for (int32_t c = 0; c < tile.classes; c++) {
    const int i = c * tile.columns + column;
    const Lanes t = tile.t[i];
    const Element<kKind> x = element<kKind, kEntropy>(tile, i, column);
    Lanes slope = slope_of_sums<kEverySum>(t, x.p, g.intersection[c], g.labelled[c], g.difference[c], g.minimum[c],
                                           g.labelled_squared[c]);
    if constexpr (kEntropy) {
      Lanes entropy = x.surprise.on;
      if constexpr (is_binary(kKind)) entropy = entropy * term.positive(c) - x.surprise.off;
      if (term.subtract_entropy) {
        const Lanes label = t * term.keep + term.share;
        entropy += log_of_probability(label);
        if constexpr (is_binary(kKind)) {
          entropy -= log_of_probability(1.f - label);
        } else {
          entropy += 1.f;
        }
      }
      slope += entropy * (g.entropy[c] * term.keep);
    }
    tile.z[i] = slope * scale;
  }
}

using Gradient = void (*)(const Tile&, const Term&, const Upstream&, int, Lanes);

template <Kind kKind, bool kEntropy>
Gradient predictions_gradient_of(Family family) {
  switch (family) {
    case kProductSums: return predictions_gradient<kKind, kProductSums, kEntropy>;
    case kMetricSums: return predictions_gradient<kKind, kMetricSums, kEntropy>;
    case kEverySum: return predictions_gradient<kKind, kEverySum, kEntropy>;
    default: return predictions_gradient<kKind, kNoSum, kEntropy>;
  }
}

template <bool kEntropy>
Gradient gradient_of(Wrt wrt, Kind kind, Family family) {
  switch (kind) {
    case kSoftmaxKind:
      return wrt == kLabels ? labels_gradient<kSoftmaxKind, kEntropy>
                            : predictions_gradient_of<kSoftmaxKind, kEntropy>(family);
    case kSigmoidKind:
      return wrt == kLabels ? labels_gradient<kSigmoidKind, kEntropy>
                            : predictions_gradient_of<kSigmoidKind, kEntropy>(family);
    case kNoneCategorical:
      return wrt == kLabels ? labels_gradient<kNoneCategorical, kEntropy>
                            : predictions_gradient_of<kNoneCategorical, kEntropy>(family);
    default:
      return wrt == kLabels ? labels_gradient<kNoneBinary, kEntropy>
                            : predictions_gradient_of<kNoneBinary, kEntropy>(family);
  }
}

Upstream upstream_of(const Pass& pass, const float* dy, float* memory) {
  const int32_t classes = pass.classes;
  memset(memory, 0, kSummands * classes * sizeof(float));
  int row = 0;
  for (int k = 0; k < kSummands; k++) {
    if (!(pass.sums & 1 << k)) continue;
    const float factor = (1 << k) & (kPredictedSquared | kLabelledSquared) ? 2.f : 1.f;
    for (int32_t c = 0; c < classes; c++) memory[k * classes + c] = dy[row * classes + c] * factor;
    row++;
  }
  return {memory,
          memory + classes,
          memory + 2 * classes,
          memory + 3 * classes,
          memory + 4 * classes,
          memory + 5 * classes,
          memory + 6 * classes,
          memory + 7 * classes};
}

void store(const Pass& pass, const Tile& tile, int64_t first, int n, float* gradient) {
  const float* rows = reinterpret_cast<const float*>(tile.z);
  if (pass.class_stride == 1) {
    from_rows(rows, tile.width, n, pass.classes, gradient + first * pass.classes);
  } else {
    for (int32_t c = 0; c < pass.classes; c++)
      memcpy(gradient + c * (int64_t)pass.class_stride + first, rows + c * tile.width, n * sizeof(float));
  }
}

template <Kind kKind>
void map_tile(const Tile& tile, const Term& term, const float* coefficients, Lanes* map) {
  for (int column = 0; column < tile.columns; column++) {
    Lanes sum{};
    for (int32_t c = 0; c < tile.classes; c++) {
      const int i = c * tile.columns + column;
      const Element<kKind> x = element<kKind, true>(tile, i, column);
      sum += entropy_term<kKind>(term, tile.t[i], x.surprise, term.positive(c)) * coefficients[c];
    }
    map[column] = sum * tile.w[column];
  }
}

using MapTile = void (*)(const Tile&, const Term&, const float*, Lanes*);

MapTile map_tile_of(Kind kind) {
  switch (kind) {
    case kSoftmaxKind: return map_tile<kSoftmaxKind>;
    case kSigmoidKind: return map_tile<kSigmoidKind>;
    case kNoneCategorical: return map_tile<kNoneCategorical>;
    default: return map_tile<kNoneBinary>;
  }
}

// Loads one tile after the other and calls f(first, n) for each.
template <typename F>
void for_tiles(const Pass& pass, const float* predictions, const void* labels, const float* weights, int64_t first,
               int64_t count, const Tile& tile, F f) {
  memset(tile.t, 0, tile.classes * tile.columns * sizeof(Lanes));
  for (int64_t at = first; at < first + count; at += tile.width) {
    const int64_t left = first + count - at;
    const int n = left < tile.width ? (int)left : tile.width;
    load(pass, predictions, labels, weights, at, n, tile);
    f(at, n);
    clear_labels(pass, labels, at, n, tile);
  }
}

}  // namespace

int32_t sum_count(const Pass& pass) { return __builtin_popcount(pass.sums); }

int64_t item_pixels(const Pass& pass) {
  const int64_t most = 65536 / pass.classes & ~63;
  return most > 4096 ? 4096 : most < 64 ? 64 : most;
}

size_t scratch_bytes(const Pass& pass) {
  // A call may choose one of two widths; this is the larger one.
  const int width = row_width(pass.classes, kWideRow);
  const size_t upstream = kSummands * (size_t)pass.classes * sizeof(float);
  return lanes_of_scratch(pass.classes, width) * sizeof(Lanes) + (upstream + 63) / 64 * 64;
}

void overlap_sums(const Pass& pass, const float* predictions, const void* labels, const float* weights, int64_t first,
                  int64_t count, double* sums, void* scratch_memory) {
  const Scratch scratch = divide_scratch(scratch_memory, pass.classes, row_width(pass.classes, count));
  const Tile& tile = scratch.tile;
  const Kind kind = kind_of(pass);
  const bool entropy = pass.sums & kCrossEntropy;
  const AddTile add = entropy ? add_tile_of<true>(kind, family_of(pass.sums))
                              : add_tile_of<false>(kind, family_of(pass.sums));
  const Term term = term_of(pass);
  const int32_t classes = pass.classes;

  Accumulators run{};
  int rows = 0;
  for (int k = 0; k < kSummands; k++)
    if (pass.sums & 1 << k) run.sum[k] = scratch.sums + rows++ * classes;
  const int floats = rows * classes;
  memset(scratch.sums, 0, floats * sizeof(Lanes));
  for (int i = 0; i < floats; i++) sums[i] = 0;
  double valid = 0;
  int tiles = 0;
  auto flush = [&] {
    for (int i = 0; i < floats; i++) {
      sums[i] += total(scratch.sums[i]);
      scratch.sums[i] = Lanes{};
    }
    tiles = 0;
  };
  for_tiles(pass, predictions, labels, weights, first, count, tile, [&](int64_t, int) {
    if (kind == kSoftmaxKind) softmax(tile, entropy);
    add(tile, term, run);
    if (pass.sums & kValid)
      for (int column = 0; column < tile.columns; column++) valid += total(tile.w[column]);
    if (++tiles == kTilesOfRun) flush();
  });
  flush();
  if (pass.sums & kValid)
    for (int32_t c = 0; c < classes; c++) sums[floats + c] = valid;
}

void entropy_map(const Pass& pass, const float* predictions, const void* labels, const float* weights,
                 const float* coefficients, int64_t first, int64_t count, float* map, void* scratch_memory) {
  const Scratch scratch = divide_scratch(scratch_memory, pass.classes, row_width(pass.classes, count));
  const Tile& tile = scratch.tile;
  const MapTile map_one = map_tile_of(kind_of(pass));
  const Term term = term_of(pass);
  Lanes row[kWideRow / kLanes];
  for_tiles(pass, predictions, labels, weights, first, count, tile, [&](int64_t at, int n) {
    if (pass.activation == kSoftmax) softmax(tile, true);
    map_one(tile, term, coefficients, row);
    memcpy(map + at, row, n * sizeof(float));
  });
}

void overlap_gradient(const Pass& pass, Wrt wrt, const float* predictions, const void* labels, const float* weights,
                      const float* dy, const float* pixel_dy, int64_t first, int64_t count, float* gradient,
                      void* scratch_memory) {
  const Scratch scratch = divide_scratch(scratch_memory, pass.classes, row_width(pass.classes, count));
  const Tile& tile = scratch.tile;
  const Kind kind = kind_of(pass);
  const bool entropy = pass.sums & kCrossEntropy;
  const Family family = family_of(pass.sums);
  const Gradient gradient_of_column =
      entropy ? gradient_of<true>(wrt, kind, family) : gradient_of<false>(wrt, kind, family);
  const Term term = term_of(pass);
  const Upstream upstream = upstream_of(pass, dy, scratch.upstream);
  const float sharpness = wrt == kPredictions && pass.activation != kNone ? pass.sharpness : 1.f;
  for_tiles(pass, predictions, labels, weights, first, count, tile, [&](int64_t at, int n) {
    if (wrt == kLabels && kind == kSoftmaxKind) softmax(tile, entropy);
    if (pixel_dy) {
      float* w = reinterpret_cast<float*>(tile.w);
      for (int i = 0; i < n; i++) w[i] *= pixel_dy[at + i];
    }
    for (int column = 0; column < tile.columns; column++)
      gradient_of_column(tile, term, upstream, column, tile.w[column] * sharpness);
    store(pass, tile, at, n, gradient);
  });
}

}  // namespace softseg
