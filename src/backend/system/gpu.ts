import { existsSync } from 'node:fs';
import { join } from 'node:path';

// Files of NVIDIA's drivers: for desktops and servers, WSL and Jetson (two generations), and the driver's version file.
const linuxTraces = [
  '/dev/nvidiactl',
  '/dev/dxg',
  '/dev/nvhost-gpu',
  '/dev/nvgpu',
  '/dev/nvmap',
  '/proc/driver/nvidia/version',
];

/**
 * The file that shows an NVIDIA driver on this machine, or undefined if there is none. It loads nothing. A driver does
 * not mean that there is a working GPU; only TensorFlow can tell that.
 */
export function visibleGpuDriver(): string | undefined {
  if (process.platform === 'linux') return linuxTraces.find((path) => existsSync(path));
  if (process.platform !== 'win32') return undefined;
  const library = join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'nvcuda.dll');
  return existsSync(library) ? library : undefined;
}

export const noGpuDriver =
  'no NVIDIA driver is visible on this machine; install the driver, or let the container see the GPU';
