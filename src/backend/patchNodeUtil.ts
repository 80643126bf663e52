import util from 'node:util';

interface OldUtil {
  isNullOrUndefined(value: unknown): boolean;
  isArray(value: unknown): boolean;
}

/**
 * Prepares the process for tfjs-node; to be called before it is loaded.
 *
 * Puts back two functions of `node:util` that tfjs-node 4.22 calls and that Node 23 has dropped, and keeps TensorFlow
 * from writing to stderr, unless the user has set its log level.
 */
export function prepareForTfjsNode(): void {
  // Assigned even where Node still has them: there they print a deprecation warning at the first call.
  const old = util as unknown as OldUtil;
  old.isNullOrUndefined = (value) => value === null || value === undefined;
  old.isArray = Array.isArray;
  process.env['TF_CPP_MIN_LOG_LEVEL'] ||= '3';
}
