/** Calls in which something does not fit: a hostile value, an unknown option, a missing argument. */
import fc from 'fast-check';
import { isPlainObject, isTensorSpec, type Call, type Spec } from './call.js';
import { HOSTILE_NAMES } from './hostileValues.js';
import type { Subject } from './subject.js';

type Path = (string | number)[];

/** All paths into the arguments at which a value can be replaced. */
function placesOf(value: Spec, path: Path, depth: number): Path[] {
  const own = path.length > 0 ? [path] : [];
  if (depth === 0) return own;
  if (Array.isArray(value))
    return [...own, ...(value as Spec[]).flatMap((each, i) => placesOf(each, [...path, i], depth - 1))];
  if (!isPlainObject(value)) return own;
  return [...own, ...Object.entries(value).flatMap(([key, each]) => placesOf(each, [...path, key], depth - 1))];
}

function replaced(value: Spec, [first, ...rest]: Path, by: Spec): Spec {
  if (first === undefined) return by;
  if (Array.isArray(value)) return (value as Spec[]).map((each, i) => (i === first ? replaced(each, rest, by) : each));
  const object = value as Record<string, Spec>;
  return { ...object, [first]: replaced(object[first as string], rest, by) };
}

const TENSOR_CHANGES: readonly ((spec: { tensor: string; shape: number[]; of: number[] }) => Spec)[] = [
  (spec) => ({ ...spec, shape: [...spec.shape, 1] }),
  (spec) => ({ ...spec, shape: [1, ...spec.shape] }),
  (spec) => ({ ...spec, shape: spec.shape.slice(1) }),
  (spec) => ({ ...spec, shape: spec.shape.slice(0, -1) }),
  (spec) => ({ ...spec, shape: spec.shape.map((size) => size + 1) }),
  (spec) => ({ ...spec, shape: spec.shape.map((size, i) => (i === spec.shape.length - 1 ? 0 : size)) }),
  (spec) => ({ ...spec, shape: spec.shape.slice().reverse() }),
  (spec) => ({ ...spec, tensor: 'int32', of: spec.of.map((x) => (x > 0.5 ? 1 : 0)) }),
  (spec) => ({ ...spec, tensor: 'bool', of: spec.of.map((x) => (x > 0.5 ? 1 : 0)) }),
  (spec) => ({ ...spec, tensor: 'float32' }),
];

const UNKNOWN_OPTIONS = [
  'smoth',
  'constructor',
  'toString',
  'hasOwnProperty',
  'reduction',
  'smooth',
  'posWeight',
  'threshold',
  'axis',
  'classes',
  'predicted',
  'valid',
  'mask',
  'weights',
];

const change = fc.record({
  what: fc.nat(11),
  place: fc.nat(1000),
  hostile: fc.constantFrom(...HOSTILE_NAMES),
  tensor: fc.nat(TENSOR_CHANGES.length - 1),
  name: fc.constantFrom(...UNKNOWN_OPTIONS),
});

/** A call of the subject with one or two such changes. */
export function wildCall({ fn, args }: Subject): fc.Arbitrary<Call> {
  return fc
    .tuple(args, fc.array(change, { minLength: 1, maxLength: 2 }), fc.boolean())
    .map(([given, changes, checked]) => ({
      fn,
      args: changes.reduce(changed, given),
      ...(checked && { checked }),
      wild: true as const,
    }));
}

function changed(
  args: Spec[],
  {
    what,
    place,
    hostile,
    tensor,
    name,
  }: { what: number; place: number; hostile: string; tensor: number; name: string },
): Spec[] {
  if (what === 0) return args.slice(0, Math.max(0, args.length - 1 - (place % 2)));
  if (what === 1) return [...args, { hostile }];
  const places = args.flatMap((arg, i) => placesOf(arg, [i], 4));
  if (places.length === 0) return args;
  const tensors = places.filter((path) => isTensorSpec(valueAt(args, path)));
  if (what < 5 && tensors.length > 0) {
    const path = tensors[place % tensors.length]!;
    return replaced(args, path, TENSOR_CHANGES[tensor]!(valueAt(args, path) as never)) as Spec[];
  }
  const objects = args.flatMap((arg, i) => (isPlainObject(arg) ? [i] : []));
  if (what < 8 && objects.length > 0) {
    const at = objects[place % objects.length]!;
    return args.map((arg, i) => (i === at ? { ...(arg as object), [name]: { hostile } } : arg));
  }
  return replaced(args, places[place % places.length]!, { hostile }) as Spec[];
}

function valueAt(value: Spec, path: Path): Spec {
  return path.reduce<Spec>((each, key) => (each as Record<string, Spec>)[key as string], value);
}
