/** Values that no function expects. */
import * as tf from '@tensorflow/tfjs-core';

const OWN_ERROR = 'thrown by the fuzzer';

/** The network of a call. It refuses string tensors with an error of its own. */
export function twice(x: tf.Tensor): tf.Tensor {
  return x.dtype === 'string' ? throwing() : tf.mul(x, 2);
}

/**
 * True if the fuzzer's own callback, getter, class or proxy threw this error. Errors thrown by a user's objects are
 * passed on.
 */
export function isOwnError(message: string): boolean {
  return message === OWN_ERROR || /\bHostile\b|proxy that has been revoked|^Error when checking/.test(message);
}

const circular = (): object => {
  const object: Record<string, unknown> = {};
  object['self'] = object;
  return object;
};

const throwing = (): never => {
  throw new Error(OWN_ERROR);
};

const disposed = () => {
  const tensor = tf.tensor([1, 0], [1, 2]);
  tensor.dispose();
  return tensor;
};

/** A proxy that answers every property and call with itself, so it passes for anything. */
const answering = (): unknown => {
  const proxy: unknown = new Proxy(() => proxy, { get: (_, name) => (typeof name === 'symbol' ? undefined : proxy) });
  return proxy;
};

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

const MAKERS = {
  undefined: () => undefined,
  null: () => null,
  true: () => true,
  'a BigInt': () => 10n,
  'a symbol': () => Symbol('hostile'),
  'an empty text': () => '',
  'a text': () => 'hostile',
  'the text 1': () => '1',
  __proto__: () => '__proto__',
  NaN: () => NaN,
  Infinity: () => Infinity,
  '-1': () => -1,
  'one and a half': () => 1.5,
  '1e308': () => 1e308,
  '2^31': () => 2 ** 31,
  '-1e308': () => -1e308,
  '1e-308': () => 1e-308,
  'an empty list': () => [],
  'a list with NaN': () => [NaN, 1],
  // eslint-disable-next-line no-sparse-arrays
  'a list that begins with a hole': () => [, 1],
  'two holes': () => new Array<number>(2),
  'a list of lists': () => [[1], [2]],
  'a list of BigInts': () => [1n, 2n],
  'a list with null': () => [null, null],
  'a typed array': () => Float32Array.of(0.5, 0.5),
  'an empty object': () => ({}),
  'an object without prototype': () => Object.create(null) as object,
  'a circular object': circular,
  'a list with a circular object': () => [circular()],
  'an object with a BigInt': () => ({ value: 1n }),
  'a getter that throws': () => Object.defineProperty({}, 'weights', { get: throwing, enumerable: true }),
  'a date': () => new Date(0),
  'a map': () => new Map([[0, 1]]),
  'a function': () => () => undefined,
  'a function that throws': () => throwing,
  'a class': () => class Hostile {},
  'a promise': () => Promise.resolve(1),
  'a proxy that answers everything': answering,
  'a revoked proxy': revoked,
  'a disposed tensor': disposed,
  'a scalar tensor': () => tf.scalar(1),
  'a tensor of rank 1': () => tf.tensor1d([1, 0]),
  'a tensor of rank 2': () => tf.tensor2d([[1, 0]]),
  'a tensor of rank 5': () => tf.ones([1, 2, 1, 1, 2]),
  'a tensor of rank 6': () => tf.ones([1, 1, 1, 1, 1, 2]),
  'an empty tensor': () => tf.tensor([], [0]),
  'an empty tensor of rank 3': () => tf.tensor([], [1, 0, 2]),
  'an int32 tensor': () => tf.tensor2d([[1, 0]], [1, 2], 'int32'),
  'a bool tensor': () => tf.tensor2d([[1, 0]], [1, 2], 'bool'),
  'a string tensor': () => tf.tensor([['a', 'b']]),
} satisfies Record<string, () => unknown>;

export type HostileName = keyof typeof MAKERS;
export const HOSTILE_NAMES = Object.keys(MAKERS) as HostileName[];

export function hostileValue(name: HostileName): unknown {
  return MAKERS[name]();
}
