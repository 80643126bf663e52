/** exp and log as in native/vectors.h: WGSL's own may be off by 3 + 2|x| units in the last place. */
export const ARITHMETIC = /* wgsl */ `
const LARGEST_SURPRISE = 1e9;
const SMALLEST_PROBABILITY = 1e-12;

// max and min that return NaN if x is NaN.
fn atLeast(x : f32, least : f32) -> f32 { return select(x, least, x < least); }
fn atMost(x : f32, most : f32) -> f32 { return select(x, most, x > most); }

// min and sign that return NaN for NaN.
fn minimumOf(a : f32, b : f32) -> f32 { return select(select(a + b, b, b < a), a, a <= b); }
fn signOf(x : f32) -> f32 { return select(select(x, -1.0, x < 0.0), 1.0, x > 0.0); }

// e^x for x <= 0; results below the smallest normal float are 0.
fn expOfNonpositive(x : f32) -> f32 {
  let n = round(x * 1.44269504);
  let r = (x - n * 0.693359375) + n * 2.12194440e-4;
  var q = ((r * 1.381461275e-3 + 8.368710056e-3) * r + 4.166838899e-2) * r + 0.1666652113;
  q = (q * r + 0.4999999404) * r * r + r + 1.0;
  let scale = bitcast<f32>((i32(n) + 127) << 23u);
  return select(q * scale, 0.0, x < -87.33);
}

// log x for normal x > 0.
fn logOf(x : f32) -> f32 {
  let bits = bitcast<i32>(x);
  let exponent = (bits - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(bits - (exponent << 23u));
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  let tail = ((z * 0.1493615508 + 0.1998876035) * z + 0.3333338797) * z;
  let e = f32(exponent);
  // The steps above do not keep a NaN; x - x is NaN for one, and otherwise 0.
  return (s + s) * tail + (s + s) + e * -2.12194440e-4 + e * 0.693359375 + (x - x);
}

// log(1 + v) for v in [0, 1], precise for small v.
fn logOfOnePlus(v : f32) -> f32 {
  let s = v / (v + 2.0);
  let z = s * s;
  let tail = (((z * 0.1401222944 + 0.1399957091) * z + 0.2001084983) * z + 0.3333320618) * z;
  return (s + s) * tail + (s + s);
}

fn logOfProbability(p : f32) -> f32 { return logOf(atLeast(p, SMALLEST_PROBABILITY)); }
`;
