/** The wasm backend, with its files from the same folder as the page. */
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';

export function startWasm(): void {
  const here = (address: string) => new URL(address, self.location.href).href;
  setWasmPaths({
    'tfjs-backend-wasm.wasm': here(plain),
    'tfjs-backend-wasm-simd.wasm': here(simd),
    'tfjs-backend-wasm-threaded-simd.wasm': here(threaded),
  });
}
