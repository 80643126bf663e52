import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { NdArray } from '../reference/index.js';

const counts = new Map<string, number>();

/** Keeps what `remembered` is asked for in the folder of this run of jest (oracleFolder.cjs). */
export function readOrCompute(of: unknown, compute: () => NdArray): NdArray {
  const folder = process.env['SOFTSEG_ORACLE_FOLDER'];
  if (!folder) return compute();
  const { testPath, currentTestName } = expect.getState();
  const test = `${testPath} ${currentTestName}`;
  const call = (counts.get(test) ?? 0) + 1;
  counts.set(test, call);
  const key = createHash('sha1')
    .update(JSON.stringify([test, call, of]))
    .digest('hex');
  return read(join(folder, key)) ?? write(join(folder, key), compute());
}

/** Rank, shape, whether int32, then the values, all as float64. */
function write(path: string, array: NdArray): NdArray {
  const { shape, data, dtype } = array;
  const own = `${path}.${process.pid}`;
  writeFileSync(own, Buffer.from(Float64Array.from([shape.length, ...shape, dtype ? 1 : 0, ...data]).buffer));
  renameSync(own, path);
  return array;
}

function read(path: string): NdArray | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
  const all = new Float64Array(bytes.byteLength / 8);
  new Uint8Array(all.buffer).set(bytes);
  const rank = all[0]!;
  const array = { shape: [...all.subarray(1, 1 + rank)], data: all.slice(2 + rank) };
  return all[1 + rank] ? { ...array, dtype: 'int32' } : array;
}
