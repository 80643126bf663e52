import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Relative addresses: the built folder may lie anywhere on a server.
  base: './',
  resolve: {
    alias: [
      { find: /^softseg$/, replacement: here('../src/index.ts') },
      { find: /^softseg\/(metrics|training)$/, replacement: here('../src/$1/index.ts') },
      { find: '#nativePasses', replacement: here('../src/kernels/tensorflow/nativePasses.ts') },
      // The brain example's U-Net, without the parts of TensorFlow.js that the page does not use.
      { find: /^@tensorflow\/tfjs$/, replacement: here('src/training/tfjs.ts') },
    ],
  },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // Slices and wasm files stay files.
    assetsInlineLimit: 0,
    // TensorFlow.js is what it is.
    chunkSizeWarningLimit: 2000,
  },
});
