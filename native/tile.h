// Reading tiles from memory and writing them back. A tile holds some pixels of a sample, with a row for each class, so
// that all computations are loops over vectors of pixels, whatever the number of classes.
#pragma once

#include "overlap.h"
#include "vectors.h"

namespace softseg {

// Pixels in a row. All rows of a tile should stay in the first-level cache.
constexpr int kWideRow = 64;
constexpr int kNarrowRow = 16;
constexpr int kMostClassesOfWideRows = 48;

inline int row_width(int32_t classes, int64_t count) {
  return classes > kMostClassesOfWideRows || count <= kNarrowRow ? kNarrowRow : kWideRow;
}

// These functions are for a few classes. The compiler knows their number, so it turns the loops into shuffles.
template <int kClasses>
inline void few_to_rows(const float* from, int n, float* rows, int width) {
  for (int k = 0; k < n; k++)
    for (int c = 0; c < kClasses; c++) rows[c * width + k] = from[k * kClasses + c];
}
template <int kClasses>
inline void few_from_rows(const float* rows, int width, int n, float* to) {
  for (int k = 0; k < n; k++)
    for (int c = 0; c < kClasses; c++) to[k * kClasses + c] = rows[c * width + k];
}

// Copies n pixels, [n, classes] in memory, to rows [classes][width].
inline void to_rows(const float* from, int n, int classes, float* rows, int width) {
  switch (classes) {
    case 1: memcpy(rows, from, n * sizeof(float)); return;
    case 2: few_to_rows<2>(from, n, rows, width); return;
    case 3: few_to_rows<3>(from, n, rows, width); return;
  }
  int i = 0;
  for (; i + kPixels <= n; i += kPixels) {
    const float* pixel = from + (int64_t)i * classes;
    for (int block = 0; block < classes; block += 4) {
      // The last block may overlap the one before it.
      const int c = block + 4 <= classes ? block : classes - 4;
      Row x[4];
      for (int k = 0; k < 4; k++) x[k] = load_pixels(pixel + k * classes + c, classes);
      transpose(x);
      for (int k = 0; k < 4; k++) store_vector(rows + (c + k) * width + i, x[k]);
    }
  }
  for (int c = 0; c < classes; c++)
    for (int k = i; k < n; k++) rows[c * width + k] = from[(int64_t)k * classes + c];
}

// Copies rows [classes][width] back to n pixels.
inline void from_rows(const float* rows, int width, int n, int classes, float* to) {
  switch (classes) {
    case 1: memcpy(to, rows, n * sizeof(float)); return;
    case 2: few_from_rows<2>(rows, width, n, to); return;
    case 3: few_from_rows<3>(rows, width, n, to); return;
  }
  int i = 0;
  for (; i + kPixels <= n; i += kPixels) {
    float* pixel = to + (int64_t)i * classes;
    for (int block = 0; block < classes; block += 4) {
      const int c = block + 4 <= classes ? block : classes - 4;
      Row x[4];
      for (int k = 0; k < 4; k++) x[k] = load_vector<Row>(rows + (c + k) * width + i);
      transpose(x);
      for (int k = 0; k < 4; k++) store_pixels(pixel + k * classes + c, classes, x[k]);
    }
  }
  for (int c = 0; c < classes; c++)
    for (int k = i; k < n; k++) to[(int64_t)k * classes + c] = rows[c * width + k];
}

}  // namespace softseg
