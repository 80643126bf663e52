/** The messages between the page and the worker that trains. */
import type { Spec } from '../losses/catalogue.js';

export const BACKENDS = ['webgpu', 'webgl', 'wasm'] as const;
export type Backend = (typeof BACKENDS)[number];

export const CLASSES = 3;
export const [HEIGHT, WIDTH] = [96, 80];
export const SLICE_PIXELS = HEIGHT * WIDTH;

export interface Plan {
  backend: Backend;
  spec: Spec;
  epochs: number;
  learningRate: number;
}

export type ToWorker =
  { type: 'look' } | { type: 'start'; plan: Plan } | { type: 'pause' } | { type: 'resume' } | { type: 'stop' };

/** A test slice shown on the page. */
export interface Shown {
  title: string;
  image: Float32Array;
  labels: Float32Array;
}

export interface Scores {
  softIou: number;
  hardIou: number;
}

export type FromWorker =
  | { type: 'found'; backends: Backend[]; shown: Shown[] }
  | { type: 'began'; steps: number; stepsPerEpoch: number; kernels: string }
  | { type: 'step'; step: number; loss: number }
  | { type: 'predicted'; probabilities: Float32Array[] }
  | { type: 'epoch'; epoch: number; scores: Scores; tensors: number; seconds: number }
  | { type: 'ended'; finished: boolean; tensors: number }
  | { type: 'failed'; message: string };
