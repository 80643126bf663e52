/**
 * The fused passes in GLSL on tfjs's webgl backend. A program computes each value of a result by itself. What several
 * values need, such as the softmax of a pixel with many classes, is computed by a program before it.
 */
import { env, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import { sumSet, type SumSet, type Wrt } from '../contract.js';
import type { FusedPass, FusedPasses } from '../fused/passes.js';
import { hasSlope } from '../fused/shaderTerms.js';
import { NO_NUMBERS, runProgram, type WebglBackend } from './backend.js';
import { withCall, type Call, type Inputs } from './call.js';
import { entropyMapCode } from './entropyMap.js';
import { lossInPrograms } from '../formulas/lossInPrograms.js';
import { formulaRunner } from './formulaRunner.js';
import { gradientCode, isShared, slopeCode } from './gradient.js';
import { keepsStatistics, statisticsCode } from './statistics.js';
import { groupsOf, runsOf, sumsCode, totalsCode } from './sums.js';

/** The number of pixels whose sums are stored in float16 as they are. Sums of more would overflow or lose digits. */
const HALF_PIXELS = 64;

const ENTROPY = sumSet(['crossEntropy']);

export function webglPasses(backend: KernelBackend): FusedPasses | null {
  const webgl = backend as unknown as WebglBackend;
  if (typeof webgl.runWebGLProgram !== 'function') return null;
  // WebGL 1 has neither loops up to a uniform nor the bits of floats.
  if (env().getNumber('WEBGL_VERSION') < 2) return null;
  return passesOn(webgl, !env().getBool('WEBGL_RENDER_FLOAT32_ENABLED'));
}

/** With `half`, textures are float16. */
function passesOn(backend: WebglBackend, half: boolean): FusedPasses {
  const unit = ({ pixels }: FusedPass): number => (half ? Math.max(1, pixels / HALF_PIXELS) : 1);
  return {
    name: 'fused webgl',
    readsAtOnce: false,
    unit,
    formulas: lossInPrograms(formulaRunner(backend, half)),
    takesFocal: true,
    takes: (pass) => pass.samples * pass.pixels > 0,

    sums(inputs, pass, sums) {
      const { samples, classes } = pass;
      const total = withCall(backend, inputs, pass, half, null, (call) => sumsOf(backend, call, sums, unit(pass)));
      return { ...total, shape: [sums.length, samples, classes] };
    },

    sumsGradient(inputs, pass, sums, dy, wrt) {
      const result = withCall(backend, inputs, pass, half, null, (call) =>
        gradientOf(call, sums, dy, wrt, { perPixel: false, scale: 1 / unit(pass) }),
      );
      return { ...result, shape: inputs.predictions.shape };
    },

    entropyMap(inputs, pass, coefficients) {
      const { samples, pixels } = pass;
      const map = withCall(backend, inputs, pass, half, coefficients, ({ run, spec }) =>
        run(entropyMapCode(spec), [1, samples * pixels], {}),
      );
      return { ...map, shape: [samples, pixels] };
    },

    entropyMapGradient(inputs, pass, coefficients, dy, wrt) {
      const result = withCall(backend, inputs, pass, half, coefficients, (call) =>
        gradientOf(call, ENTROPY, dy, wrt, { perPixel: true, scale: 1 }),
      );
      return { ...result, shape: inputs.predictions.shape };
    },
  };
}

/** The sums in units, flat. */
function sumsOf(backend: WebglBackend, call: Call, sums: SumSet, unit: number): TensorInfo {
  const { pass, half } = call.spec;
  const { samples, classes } = pass;
  const { run, runs } = runsOf(pass.pixels);
  const kept = keepsStatistics(pass);
  const stats = kept ? call.keep(statistics(call, 2, statisticsCode(call.spec), {})) : null;
  const code = sumsCode({ ...call.spec, kept }, sums);
  // The sums of runs have a unit of their own.
  const runUnit = half ? Math.max(1, run / HALF_PIXELS) : 1;
  const numbers = { run, runs, scale: 1 / runUnit };
  const parts = call.keep(call.run(code, [groupsOf(sums) * samples * classes, runs], { stats }, numbers, 'output'));
  return runProgram(
    backend,
    totalsCode(classes),
    [sums.length * samples * classes, 1],
    { parts },
    { ...NO_NUMBERS, samples, runs, scale: runUnit / unit },
    'inputs',
  );
}

/** The gradient of the sums, or that of the map with `perPixel`. */
function gradientOf(
  call: Call,
  sums: SumSet,
  dy: TensorInfo,
  wrt: Wrt,
  { perPixel, scale }: { perPixel: boolean; scale: number },
): TensorInfo {
  const { pass } = call.spec;
  const spec = { ...call.spec, sums, wrt, perPixel };
  const upstream = { dy: hasSlope(sums, wrt) ? call.flat(dy) : null };
  const size: [number, number] = [1, pass.samples * pass.pixels * pass.classes];
  if (!keepsStatistics(pass)) return call.run(gradientCode(spec), size, upstream, { scale });
  const [rows, slopes] = isShared(spec) ? ([3, slopeCode(spec)] as const) : ([2] as const);
  const stats = call.keep(statistics(call, rows, statisticsCode(spec, slopes), upstream));
  return call.run(gradientCode({ ...spec, kept: true }), size, { ...upstream, stats }, { scale });
}

function statistics(call: Call, rows: 2 | 3, code: string, others: Inputs): TensorInfo {
  const { samples, pixels } = call.spec.pass;
  return call.run(code, [rows, samples * pixels], others);
}
