/**
 * The fused passes in WGSL on tfjs's webgpu backend: one program goes over the pixels, and for sums of many pixels a
 * second one adds up the partial sums of the workgroups.
 */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { bitsOf, sumSet, type SumSet, type Wrt } from '../contract.js';
import type { FusedInputs, FusedPass, FusedPasses } from '../fused/passes.js';
import { hasSlope } from '../fused/shaderTerms.js';
import type { WebgpuBackend } from './backend.js';
import { entropyMapCode } from './entropyMap.js';
import { gradientCode } from './gradient.js';
import { lossInPrograms } from '../formulas/lossInPrograms.js';
import { formulaRunner } from './formulaRunner.js';
import type { ProgramSpec } from './pixels.js';
import { run } from './run.js';
import { sumsCode, TOTALS_CODE } from './sums.js';
import { tilesOf } from './tiles.js';

export function webgpuPasses(backend: KernelBackend): FusedPasses | null {
  const webgpu = backend as unknown as WebgpuBackend;
  return typeof webgpu.runWebGPUProgram === 'function' ? passesOn(webgpu) : null;
}

const ENTROPY = sumSet(['crossEntropy']);

function passesOn(backend: WebgpuBackend): FusedPasses {
  return {
    name: 'fused webgpu',
    readsAtOnce: false,
    takes: (pass) => tilesOf(pass) !== null,
    takesFocal: true,
    formulas: lossInPrograms(formulaRunner(backend)),

    sums(inputs, pass, sums) {
      const spec = specOf(inputs, pass, sums);
      const { runs, run, blocks } = spec.tiles;
      const { samples, classes } = pass;
      const many = sums.length * samples * classes;
      const parts = runPass(backend, inputs, spec, {
        key: `sums ${bitsOf(sums)}`,
        code: () => sumsCode(spec, sums),
        size: many * runs,
        groups: samples * blocks * runs,
        numbers: { run, runs },
      });
      const total = runs === 1 ? parts : addUp(backend, parts, many, runs);
      return { ...total, shape: [sums.length, samples, classes] };
    },

    sumsGradient(inputs, pass, sums, dy, wrt) {
      return gradient(backend, inputs, pass, sums, wrt, dy, null);
    },

    entropyMap(inputs, pass, coefficients) {
      const spec = specOf(inputs, pass, ENTROPY);
      const { samples, pixels } = pass;
      const map = runPass(backend, inputs, spec, {
        key: 'map',
        code: () => entropyMapCode(spec),
        size: samples * pixels,
        groups: samples * spec.tiles.count,
        coefficients,
      });
      return { ...map, shape: [samples, pixels] };
    },

    entropyMapGradient(inputs, pass, coefficients, dy, wrt) {
      return gradient(backend, inputs, pass, ENTROPY, wrt, dy, coefficients);
    },
  };
}

function gradient(
  backend: WebgpuBackend,
  inputs: FusedInputs,
  pass: FusedPass,
  sums: SumSet,
  wrt: Wrt,
  dy: TensorInfo,
  coefficients: readonly number[] | null,
): TensorInfo {
  const spec = specOf(inputs, pass, sums);
  const perPixel = coefficients !== null;
  const result = runPass(backend, inputs, spec, {
    key: `gradient to ${wrt} ${perPixel ? 'map' : bitsOf(sums)}`,
    code: () => gradientCode(spec, sums, perPixel, wrt),
    size: pass.samples * pass.pixels * pass.classes,
    groups: pass.samples * spec.tiles.count,
    // WebGPU refuses an input that the code does not read.
    dy: hasSlope(sums, wrt) ? dy : undefined,
    coefficients: coefficients ?? [],
  });
  return { ...result, shape: inputs.predictions.shape };
}

function specOf({ weights }: FusedInputs, pass: FusedPass, sums: SumSet): ProgramSpec {
  return { pass, tiles: tilesOf(pass)!, weighted: weights !== null, entropy: sums.includes('crossEntropy') };
}

interface PassProgram {
  /** Identifies the code, together with the spec. */
  key: string;
  code: () => string;
  /** Number of values in the result. */
  size: number;
  /** Number of workgroups. */
  groups: number;
  dy?: TensorInfo;
  coefficients?: readonly number[];
  /** Only for sums, see `TileLayout`. */
  numbers?: { run: number; runs: number };
}

function runPass(backend: WebgpuBackend, inputs: FusedInputs, spec: ProgramSpec, program: PassProgram): TensorInfo {
  const { pass, tiles } = spec;
  const { samples, pixels, classes, sharpness, entropy, activation } = pass;
  const { posWeight, labelSmoothing, subtractEntropy, kind, focal } = entropy;
  const weights = spec.entropy && kind === 'binary' ? (posWeight ?? []) : [];
  const numbers = [...weights, ...(program.coefficients ?? [])];
  const parameters =
    numbers.length > 0 ? backend.makeTensorInfo([numbers.length], 'float32', Float32Array.from(numbers)) : null;
  const named = {
    labels: inputs.labels,
    predictions: inputs.predictions,
    weights: inputs.weights,
    dy: program.dy,
    parameters,
  };
  const present = Object.entries(named).filter((entry): entry is [string, TensorInfo] => Boolean(entry[1]));
  const { gamma = 0, alpha = null } = focal ?? {};
  const flags = [
    spec.weighted,
    pass.classesFirst,
    spec.entropy,
    subtractEntropy,
    posWeight !== null,
    focal !== null,
    alpha !== null,
  ];
  try {
    return run(backend, {
      key: [program.key, activation, pass.labelKind, kind, classes, tiles.width, ...flags.map(Number)].join(' '),
      code: program.code,
      inputs: present,
      size: program.size,
      groups: program.groups,
      integers: {
        samples,
        pixels,
        tiles: tiles.count,
        coefficients: weights.length,
        ...program.numbers,
      },
      floats: {
        sharpness,
        keep: 1 - labelSmoothing,
        share: labelSmoothing / (kind === 'categorical' ? classes : 2),
        gamma,
        alpha: alpha ?? 0,
      },
    });
  } finally {
    if (parameters) backend.disposeData(parameters.dataId);
  }
}

function addUp(backend: WebgpuBackend, parts: TensorInfo, many: number, runs: number): TensorInfo {
  try {
    const integers = { many, runs };
    return run(backend, {
      key: 'totals',
      code: () => TOTALS_CODE,
      inputs: [['parts', parts]],
      size: many,
      groups: many,
      integers,
      floats: {},
    });
  } finally {
    backend.disposeData(parts.dataId);
  }
}
