/**
 * Unpacks the Chromium of @sparticuz/chromium, with the libraries that a bare machine lacks, into TMPDIR. launch.cjs
 * starts it as a process of its own, because the package always unpacks into the temporary folder and takes a
 * half-written file there for a complete one.
 */
process.env.AWS_LAMBDA_JS_RUNTIME = '20.x'; // The package gives the libraries to Amazon's machines only.
const { default: chromium } = await import('@sparticuz/chromium');
await chromium.executablePath();
