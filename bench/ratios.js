// The figures that the tables and the picture compare.

/** The median of PyTorch with this number of threads, in its faster layout; undefined without PyTorch. */
export function fasterTorch({ results }, threads) {
  const medians = ['first', 'last'].map((layout) => results[`torch ${layout} ${threads}`]?.median);
  return medians.includes(undefined) ? undefined : Math.min(...medians);
}

/** The number of PyTorch's threads that equals the backend's. */
export const mainThreads = ({ torch }) => torch?.threads[0];

export const ratio = (a, b) => (a === undefined || b === undefined ? undefined : a / b);
