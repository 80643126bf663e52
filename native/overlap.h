// The passes over pixels, once for every machine: softseg's TensorFlow op and its wasm module are thin wrappers around
// these functions. N samples, P pixels of a sample, C classes, S sums asked for. Plain C++17 without dependencies, for
// GCC and Clang; no allocation, no global state, no exceptions.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace softseg {

enum Activation : int32_t { kSoftmax = 0, kSigmoid = 1, kNone = 2 };

// How labels lie in memory: soft ones like the predictions, one value per pixel and class; or one class index per pixel.
enum LabelKind : int32_t { kFloat32 = 0, kInt32 = 1, kBool = 2, kIndices = 3 };

enum EntropyKind : int32_t { kCategorical = 0, kBinary = 1 };

// The sums, as bits; in results they follow each other in this order, lowest bit first.
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
constexpr int kSummands = 8;      // the sums of something per pixel and class: all but kValid
constexpr int32_t kAllSums = 511;

enum Wrt : int32_t { kPredictions = 0, kLabels = 1 };

// What a pass is told besides its tensors; see src/kernels/contract.ts for what it means. Every field has 4 bytes on
// wasm, where JavaScript writes this struct.
struct Pass {
  int32_t classes;
  // Elements between two classes of a pixel: 1 (channels last, pixels are `classes` apart), or P (channels first, pixels
  // are 1 apart).
  int32_t class_stride;
  int32_t label_kind;
  int32_t activation;
  int32_t entropy_kind;
  int32_t subtract_entropy;  // 0 or 1
  int32_t sums;              // bits of Sum
  float sharpness;
  float label_smoothing;
  const float* pos_weight;  // [C], or null for 1
};

// The rows of results and gradients: the number of bits in pass.sums.
int32_t sum_count(const Pass& pass);

// Pixels that make a good piece of work for one thread or one call, a multiple of 64. Sums of pieces are to be added in
// a fixed order, so that results do not depend on the number of threads.
int64_t item_pixels(const Pass& pass);

// Bytes of scratch memory, aligned to 64, that each call below needs for itself.
size_t scratch_bytes(const Pass& pass);

// In all of these, predictions, labels, weights, map and gradient point to the start of one sample; pixels first to
// first + count - 1 of it are worked on. weights is [P], or null for 1; a pixel counts if its weight is > 0.

// sums [S,C], overwritten.
void overlap_sums(const Pass& pass, const float* predictions, const void* labels, const float* weights, int64_t first,
                  int64_t count, double* sums, void* scratch);

// The cross-entropy of each pixel, map [P]: its weight times the sum over classes of coefficients[c] times the entropy
// term. (pass.sums is not read.)
void entropy_map(const Pass& pass, const float* predictions, const void* labels, const float* weights,
                 const float* coefficients, int64_t first, int64_t count, float* map, void* scratch);

// The gradient of sums [S,C] with upstream dy [S,C], laid out like the predictions. With pixel_dy [P], each pixel's
// gradient is multiplied by its entry: with pass.sums = kCrossEntropy and dy = coefficients it is that of entropy_map.
void overlap_gradient(const Pass& pass, Wrt wrt, const float* predictions, const void* labels, const float* weights,
                      const float* dy, const float* pixel_dy, int64_t first, int64_t count, float* gradient,
                      void* scratch);

}  // namespace softseg
