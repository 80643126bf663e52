import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import type { PassInputs, Wrt } from '../contract.js';

/** A composed pass: its value and its gradient in plain tfjs ops. */
export interface Pass<T extends Tensor> {
  value(inputs: PassInputs): T;
  /** The gradient [N,P,C], given the gradient dy of the value, computed by ops that can be differentiated again. */
  gradient(inputs: PassInputs, dy: T, wrt: Wrt): Tensor3D;
}
