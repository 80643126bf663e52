// Draws the pictures of the docs from softseg's own functions, and writes the tables that come from the descriptions of
// the losses and from measurements. Needs the built package (npm run build).
import { commandLine } from './options.js';

const { check } = commandLine({
  usage: 'npm run pictures [-- --check]',
  about: 'Draws the pictures of the docs, and writes the tables of losses and of measurements.',
  options: { check: { about: 'write nothing, and fail if a picture or a table is not what comes out' } },
});

const tf = await import('@tensorflow/tfjs');
const { drawAnnealing } = await import('./plots/annealing.js');
const { drawBenchmark } = await import('./plots/benchmark.js');
const { drawCurves } = await import('./plots/curves.js');
const { drawLandscapes } = await import('./plots/landscapes.js');
const { writeLayerTable } = await import('./layerTable.js');
const { writeLossTables } = await import('./lossTables.js');
const { writeSpeedTables } = await import('./speed.js');

tf.enableProdMode();
await tf.setBackend('cpu');
drawLandscapes({ check });
drawCurves({ check });
drawBenchmark({ check });
drawAnnealing({ check });
writeLayerTable({ check });
writeLossTables({ check });
writeSpeedTables({ check });
