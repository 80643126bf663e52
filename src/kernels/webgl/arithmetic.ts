/**
 * exp and log as in native/vectors.h, because GLSL promises no precision for its own; and limits. Numbers inside a
 * program are float32 everywhere, but on some devices what it writes is float16.
 */
export const arithmeticCode = (half: boolean): string => /* glsl */ `
const float LARGEST_SURPRISE = ${half ? '6e4' : '1e9'};
const float SMALLEST_PROBABILITY = 1e-12;

// max, min and sign that return NaN for NaN.
float atLeast(float x, float least) { return x < least ? least : x; }
float atMost(float x, float most) { return x > most ? most : x; }
float minimumOf(float a, float b) { return a <= b ? a : b < a ? b : a + b; }
float signOf(float x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }

// A result as it can be written: float16 has nothing between 65504 and infinity.
float written(float x) { return ${half ? 'atMost(atLeast(x, -65504.0), 65504.0)' : 'x'}; }

// e^x for x <= 0; results below the smallest normal float are 0.
float expOfNonpositive(float x) {
  float n = floor(x * 1.44269504 + 0.5);
  float r = (x - n * 0.693359375) + n * 2.12194440e-4;
  float q = ((r * 1.381461275e-3 + 8.368710056e-3) * r + 4.166838899e-2) * r + 0.1666652113;
  q = (q * r + 0.4999999404) * r * r + r + 1.0;
  float power = intBitsToFloat((int(n) + 127) << 23);
  return x < -87.33 ? 0.0 : q * power;
}

// log x for normal x > 0, NaN for NaN.
float logOf(float x) {
  int bits = floatBitsToInt(x);
  int exponent = (bits - 0x3f3504f3) >> 23;
  float m = intBitsToFloat(bits - (exponent << 23));
  float s = (m - 1.0) / (m + 1.0);
  float z = s * s;
  float tail = ((z * 0.1493615508 + 0.1998876035) * z + 0.3333338797) * z;
  float e = float(exponent);
  return x > 0.0 ? (s + s) * tail + (s + s) + e * -2.12194440e-4 + e * 0.693359375 : x;
}

// log(1 + v) for v in [0, 1], precise for small v.
float logOfOnePlus(float v) {
  float s = v / (v + 2.0);
  float z = s * s;
  float tail = (((z * 0.1401222944 + 0.1399957091) * z + 0.2001084983) * z + 0.3333320618) * z;
  return (s + s) * tail + (s + s);
}

float logOfProbability(float p) { return logOf(atLeast(p, SMALLEST_PROBABILITY)); }
`;
