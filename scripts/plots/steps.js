/** count + 1 numbers at equal distances, without the digits that rounding errors leave. */
export const steps = (from, to, count) =>
  Array.from({ length: count + 1 }, (_, i) => Number((from + ((to - from) * i) / count).toFixed(6)));
