/** Values that break code that reads or prints them, or that no function of the package accepts. */

function circular(): object {
  const value: Record<string, unknown> = {};
  value['self'] = { value };
  return value;
}

const refuse = (): never => {
  throw new RangeError('hostile');
};

function throwingProxy(target: object): object {
  const traps = ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf', 'set', 'apply'];
  return new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, refuse])));
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** Functions that make each value, by its name. */
export const HOSTILE: readonly [string, () => unknown][] = [
  ['a bigint', () => 10n],
  ['a huge bigint', () => 10n ** 5000n],
  ['a symbol', () => Symbol('hostile')],
  ['a circular object', circular],
  ['a proxy that throws', () => throwingProxy({})],
  ['a proxy of a list that throws', () => throwingProxy([1, 2])],
  ['a revoked proxy', () => revoked({})],
  ['a revoked proxy of a list', () => revoked([])],
  ['a getter that throws', () => Object.defineProperty({}, 'a', { get: refuse, enumerable: true })],
  ['a throwing toJSON', () => ({ toJSON: refuse })],
  ['a throwing toString', () => ({ toString: refuse, valueOf: refuse, [Symbol.toPrimitive]: refuse })],
  ['an object without a prototype', () => Object.create(null) as object],
  ['a huge string', () => 'x'.repeat(1e6)],
  ['a huge list', () => new Array<number>(1e6).fill(0)],
  ['a list of holes', () => new Array<number>(2)],
  ['a huge list of holes', () => new Array<number>(4e9)],
  ['a deep list', () => Array.from({ length: 5000 }).reduce<unknown[]>((inner) => [inner], [])],
  ['a list of bigints', () => [1n, 2n]],
  ['a typed array', () => Float32Array.of(1, 1)],
  ['a data view', () => new DataView(new ArrayBuffer(4))],
  ['an invalid date', () => new Date(NaN)],
  ['a map', () => new Map([[1, 2]])],
  ['a wide object', () => Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => [`${'k'.repeat(100)}${i}`, i]))],
  ['a string', () => 'hostile'],
  ['an empty string', () => ''],
  ['NaN', () => NaN],
  ['Infinity', () => Infinity],
  ['a number beyond float32', () => 1e39],
  ['the largest number', () => Number.MAX_VALUE],
  ['a number that is 0 in float32', () => 1e-50],
  ['a negative number', () => -1.5],
];
