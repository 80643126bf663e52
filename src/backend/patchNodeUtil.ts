import util from 'node:util';

interface OldUtil {
  isNullOrUndefined(value: unknown): boolean;
  isArray(value: unknown): boolean;
}

/**
 * Prepares the process for tfjs-node. It must be called before tfjs-node is loaded.
 *
 * It restores two functions of `node:util` that tfjs-node 4.22 calls and Node 23 has removed, and keeps TensorFlow from
 * writing to stderr unless the user has set its log level.
 */
export function prepareForTfjsNode(): void {
  // They are replaced even where Node still has them, because Node's own print a deprecation warning at the first call.
  const old = util as unknown as OldUtil;
  old.isNullOrUndefined = (value) => value === null || value === undefined;
  old.isArray = Array.isArray;
  process.env['TF_CPP_MIN_LOG_LEVEL'] ||= '3';
}
