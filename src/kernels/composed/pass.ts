import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import type { PassInputs, Wrt } from '../contract.js';

/** A pass and its gradient in plain tfjs ops. */
export interface Pass<T extends Tensor> {
  value(inputs: PassInputs): T;
  /** [N,P,C], given the gradient dy of the value; in ops that can be differentiated again. */
  gradient(inputs: PassInputs, dy: T, wrt: Wrt): Tensor3D;
}
