'use strict';
/**
 * jest's Node environment gives tests a realm of their own, with typed arrays of their own. tfjs-node's binding makes
 * its arrays in the outer realm, so there `instanceof Float32Array` fails, int32 data silently become float32, and
 * `toThrow(Error)` fails. This environment hands the outer realm's classes to the tests.
 */
const util = require('node:util');
const { TestEnvironment } = require('jest-environment-node');
const { keepShare } = require('./share.cjs');

const OUTER = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
];

module.exports = class Environment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.file = context.testPath;
    this.share = config.projectConfig.globals.TEST_SHARE;
  }

  handleTestEvent(event, { rootDescribeBlock }) {
    if (event.name === 'run_start' && this.share) keepShare(rootDescribeBlock, this.file, this.share);
  }

  async setup() {
    await super.setup();
    for (const name of OUTER) this.global[name] = globalThis[name];
    const { Error: InnerError } = this.global;
    Object.defineProperty(InnerError, Symbol.hasInstance, {
      value(error) {
        if (Function.prototype[Symbol.hasInstance].call(this, error)) return true;
        return this === InnerError && util.types.isNativeError(error);
      },
    });
    // TensorFlow reads this when it is loaded; the tests' process.env is a copy that it does not see.
    process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
    // tfjs-node 4.22 calls functions of node:util that Node 23 dropped.
    util.isNullOrUndefined = (value) => value === null || value === undefined;
    util.isArray = Array.isArray;
  }
};
