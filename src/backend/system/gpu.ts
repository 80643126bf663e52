import { existsSync } from 'node:fs';
import { join } from 'node:path';

// Device files of NVIDIA's drivers: desktop and server, WSL, Jetson (two generations), and the driver's own note.
const linuxTraces = [
  '/dev/nvidiactl',
  '/dev/dxg',
  '/dev/nvhost-gpu',
  '/dev/nvgpu',
  '/dev/nvmap',
  '/proc/driver/nvidia/version',
];

/**
 * The file that shows an NVIDIA driver on this machine, or undefined. It only looks, and loads nothing; a driver does
 * not promise a GPU that works, and TensorFlow has the last word.
 */
export function visibleGpuDriver(): string | undefined {
  if (process.platform === 'linux') return linuxTraces.find((path) => existsSync(path));
  if (process.platform !== 'win32') return undefined;
  const library = join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'nvcuda.dll');
  return existsSync(library) ? library : undefined;
}

export const noGpuDriver =
  'no NVIDIA driver is visible on this machine; install the driver, or let the container see the GPU';
