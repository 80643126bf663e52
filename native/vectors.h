// Vectors of floats, by an extension of GCC and Clang, and the functions on them that the passes need. Their error is
// about one rounding for every finite argument; NaN stays NaN. Do not compile this with -ffast-math, which removes the
// rounding step in `exp_of_nonpositive`.
#pragma once

#include <stdint.h>
#include <string.h>

namespace softseg {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Lanes __attribute__((vector_size(kLanes * 4)));
typedef int32_t Ints __attribute__((vector_size(kLanes * 4)));
// For arithmetic on bits. Unsigned, because only unsigned numbers may overflow, or lose bits in a shift.
typedef uint32_t Bits __attribute__((vector_size(kLanes * 4)));
typedef float Four __attribute__((vector_size(16)));

inline Lanes all(float x) { return Lanes{} + x; }

inline Lanes select(Ints condition, Lanes a, Lanes b) { return condition ? a : b; }

inline Lanes absolute(Lanes x) { return (Lanes)((Ints)x & 0x7fffffff); }

// max and min that return NaN if x is NaN.
inline Lanes at_least(Lanes x, float least) { return select(x < least, all(least), x); }
inline Lanes at_most(Lanes x, float most) { return select(x > most, all(most), x); }

// e^x for x <= 0; results below the smallest normal float are 0.
inline Lanes exp_of_nonpositive(Lanes x) {
  // Adding and subtracting 1.5·2^23 rounds to an integer; the lowest bits of the sum are that integer.
  const float rounder = 12582912.f;
  Lanes shifted = x * 1.44269504f + rounder;
  Lanes n = shifted - rounder;
  Lanes r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Lanes q = ((r * 1.381461275e-3f + 8.368710056e-3f) * r + 4.166838899e-2f) * r + 0.1666652113f;
  q = (q * r + 0.4999999404f) * r * r + r + 1.f;
  Lanes scale = (Lanes)(((Bits)shifted << 23) + 0x3f800000u);
  return select(x < -87.33f, Lanes{}, q * scale);
}

// log x for normal x > 0.
inline Lanes log_of(Lanes x) {
  Ints exponent = (Ints)((Bits)x - 0x3f3504f3u) >> 23;
  Lanes m = (Lanes)((Bits)x - ((Bits)exponent << 23));  // in [sqrt(1/2), sqrt(2))
  Lanes s = (m - 1.f) / (m + 1.f);
  Lanes z = s * s;
  Lanes tail = ((z * 0.1493615508f + 0.1998876035f) * z + 0.3333338797f) * z;
  Lanes e = __builtin_convertvector(exponent, Lanes);
  // The steps above do not keep a NaN; x - x is NaN for one, and otherwise 0.
  return (s + s) * tail + (s + s) + e * -2.12194440e-4f + e * 0.693359375f + (x - x);
}

// log(1 + v) for v in [0, 1], precise for small v.
inline Lanes log_of_one_plus(Lanes v) {
  Lanes s = v / (v + 2.f);
  Lanes z = s * s;
  Lanes tail = (((z * 0.1401222944f + 0.1399957091f) * z + 0.2001084983f) * z + 0.3333320618f) * z;
  return (s + s) * tail + (s + s);
}

// Four Rows hold four floats of each of kPixels pixels, as one block of 4 x 4 or two blocks side by side. `transpose`
// transposes each block. Only whole Rows of a tile are written to memory, because reading a vector soon after it was
// written in halves stalls the processor.
#if defined(__AVX__)
constexpr int kPixels = 8;
typedef float Row __attribute__((vector_size(32)));
#define SOFTSEG_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define SOFTSEG_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define SOFTSEG_FIRST(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define SOFTSEG_SECOND(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#else
constexpr int kPixels = 4;
typedef Four Row;
#define SOFTSEG_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define SOFTSEG_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define SOFTSEG_FIRST(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define SOFTSEG_SECOND(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#endif

inline void transpose(Row (&x)[4]) {
  const Row low = SOFTSEG_LOW(x[0], x[1]), high = SOFTSEG_HIGH(x[0], x[1]);
  const Row low2 = SOFTSEG_LOW(x[2], x[3]), high2 = SOFTSEG_HIGH(x[2], x[3]);
  x[0] = SOFTSEG_FIRST(low, low2);
  x[1] = SOFTSEG_SECOND(low, low2);
  x[2] = SOFTSEG_FIRST(high, high2);
  x[3] = SOFTSEG_SECOND(high, high2);
}

// Loads and stores at any address, aligned or not.
template <typename V>
inline V load_vector(const float* from) {
  V x;
  memcpy(&x, from, sizeof x);
  return x;
}
template <typename V>
inline void store_vector(float* to, V x) {
  memcpy(to, &x, sizeof x);
}

// Loads four floats of one pixel and, if a Row holds eight, of the fourth pixel after it; pixels are `stride` apart.
inline Row load_pixels(const float* from, int64_t stride) {
  const Four near = load_vector<Four>(from);
#if defined(__AVX__)
  return __builtin_shufflevector(near, load_vector<Four>(from + 4 * stride), 0, 1, 2, 3, 4, 5, 6, 7);
#else
  (void)stride;
  return near;
#endif
}

inline void store_pixels(float* to, int64_t stride, Row x) {
#if defined(__AVX__)
  store_vector(to, __builtin_shufflevector(x, x, 0, 1, 2, 3));
  store_vector(to + 4 * stride, __builtin_shufflevector(x, x, 4, 5, 6, 7));
#else
  (void)stride;
  store_vector(to, x);
#endif
}

}  // namespace softseg
