// What the tables and the picture compare.

/** The median of PyTorch with so many threads, of its faster layout; undefined where there is no PyTorch. */
export function fasterTorch({ results }, threads) {
  const medians = ['first', 'last'].map((layout) => results[`torch ${layout} ${threads}`]?.median);
  return medians.includes(undefined) ? undefined : Math.min(...medians);
}

/** As many threads of PyTorch as the backend uses. */
export const mainThreads = ({ torch }) => torch?.threads[0];

export const ratio = (a, b) => (a === undefined || b === undefined ? undefined : a / b);
