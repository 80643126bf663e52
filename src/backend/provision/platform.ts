import { InstallError } from '../system/errors.js';
import type { Library } from './pinnedWheels.js';

const neededGlibc = [2, 27];

/** Returns the library, or throws an InstallError that says why TensorFlow's library cannot run on this system. */
export function demandPlatform(library: Library | undefined, cuda: boolean): Library {
  const system = `${process.platform} ${process.arch}`;
  if (!library) {
    const where = cuda ? 'Linux x64' : 'Linux x64, Linux arm64 and macOS arm64';
    throw new InstallError('platform', `softseg knows no TensorFlow library for ${system}, only for ${where}`);
  }
  if (process.platform !== 'linux') return library;
  const glibc = glibcVersion();
  const next = 'the next best backend is wasm (`npm install @tensorflow/tfjs-backend-wasm`)';
  if (glibc === undefined) {
    throw new InstallError(
      'system',
      `TensorFlow's library needs glibc, and this system (musl, Alpine?) has none; ${next}`,
    );
  }
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  const [neededMajor = 0, neededMinor = 0] = neededGlibc;
  if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
    throw new InstallError(
      'platform',
      `TensorFlow's library needs glibc ${neededGlibc.join('.')} or later, and this system has ${glibc}; ${next}`,
    );
  }
  return library;
}

function glibcVersion(): string | undefined {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  // Otherwise the report looks up the host names of all open connections, which takes time.
  report.excludeNetwork = true;
  const { header } = report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}
