// The fused passes over pixels. A pass reads labels and predictions once and computes sums over pixels, the
// cross-entropy of each pixel, or the gradient of either. softseg's TensorFlow op and its wasm module are thin wrappers
// around these functions. N samples, P pixels in a sample, C classes, S requested sums. Plain C++17 without
// dependencies, for GCC and Clang; no allocation, no global state, no exceptions.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace softseg {

enum Activation : int32_t { kSoftmax = 0, kSigmoid = 1, kNone = 2 };

// The type of labels: soft labels, one value per pixel and class in the layout of the predictions; or class indices,
// one per pixel.
enum LabelKind : int32_t { kFloat32 = 0, kInt32 = 1, kBool = 2, kIndices = 3 };

enum EntropyKind : int32_t { kCategorical = 0, kBinary = 1 };

// The sums as bits. Results hold them in this order, the lowest bit first.
enum Sum : int32_t {
  kIntersection = 1,
  kPredicted = 2,
  kLabelled = 4,
  kDifference = 8,
  kMinimum = 16,
  kPredictedSquared = 32,
  kLabelledSquared = 64,
  kCrossEntropy = 128,
  kValid = 256,  // the sum of the weights, the same for every class
};
constexpr int kSummands = 8;  // sums with a summand per pixel and class: all except kValid
constexpr int32_t kAllSums = 511;

enum Wrt : int32_t { kPredictions = 0, kLabels = 1 };

// All that a pass is given in addition to its tensors; src/kernels/contract.ts explains the fields. On wasm, where
// JavaScript writes this struct, every field has 4 bytes.
struct Pass {
  int32_t classes;
  // Distance of two classes of a pixel in elements: 1 for channels last (then pixels are `classes` apart), or P for
  // channels first (then pixels are 1 apart).
  int32_t class_stride;
  int32_t label_kind;
  int32_t activation;
  int32_t entropy_kind;
  int32_t subtract_entropy;  // 0 or 1
  int32_t sums;              // bits of Sum
  float sharpness;
  float label_smoothing;
  const float* pos_weight;  // [C], or null if all are 1
};

// The number of rows of results and upstream gradients: the number of bits in pass.sums.
int32_t sum_count(const Pass& pass);

// A good number of pixels for one call, so that work can be divided among threads; a multiple of 64. The caller must
// add the sums of pieces in a fixed order, so that results do not depend on the number of threads.
int64_t item_pixels(const Pass& pass);

// The bytes of scratch memory, aligned to 64, that each of the calls below needs for itself.
size_t scratch_bytes(const Pass& pass);

// In the functions below, predictions, labels, weights, map and gradient point to the start of a sample. The pixels
// from first to first + count - 1 of that sample are computed. weights is [P], or null if all are 1; a pixel is ignored
// unless its weight is positive.

// Computes sums [S,C] and overwrites what was there.
void overlap_sums(const Pass& pass, const float* predictions, const void* labels, const float* weights, int64_t first,
                  int64_t count, double* sums, void* scratch);

// Computes map [P], the cross-entropy of each pixel: its weight times the sum over classes of coefficients[c] times the
// entropy term. It does not read pass.sums.
void entropy_map(const Pass& pass, const float* predictions, const void* labels, const float* weights,
                 const float* coefficients, int64_t first, int64_t count, float* map, void* scratch);

// Computes the gradient of sums [S,C], given their upstream gradient dy [S,C], in the layout of the predictions. With
// pixel_dy [P] each pixel's gradient is multiplied by its entry. So pass.sums = kCrossEntropy, dy = coefficients and
// pixel_dy = the upstream gradient of the map give the gradient of entropy_map.
void overlap_gradient(const Pass& pass, Wrt wrt, const float* predictions, const void* labels, const float* weights,
                      const float* dy, const float* pixel_dy, int64_t first, int64_t count, float* gradient,
                      void* scratch);

}  // namespace softseg
