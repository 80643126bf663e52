/**
 * Unpacks the Chromium of @sparticuz/chromium, with the libraries that a bare machine lacks, into the folder that is
 * TMPDIR: a process of its own (launch.cjs starts it), because that package unpacks into the folder for temporary files
 * and takes a half-written file there for a whole one.
 */
process.env.AWS_LAMBDA_JS_RUNTIME = '20.x'; // For the libraries too, which it thinks only Amazon's machines need.
const { default: chromium } = await import('@sparticuz/chromium');
await chromium.executablePath();
