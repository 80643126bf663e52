// The picture of the benchmark, from its stored results: `npm run bench` draws it too, after it has measured.
import { readFileSync } from 'node:fs';
import { picture } from '../../bench/picture.js';
import { writePictures } from './writePictures.js';

const RESULTS = new URL('../../bench/results/full.json', import.meta.url);

export function drawBenchmark({ check }) {
  const results = JSON.parse(readFileSync(RESULTS, 'utf8'));
  // Other runs of the benchmark write theirs into the same folder.
  writePictures('bench/results', new Map([['full.svg', picture(results)]]), { check, others: true });
}
