'use strict';
/** Babel's part of jest's browser projects: '@jest/globals' is remote.ts (jest lets no moduleNameMapper change that). */
const { join } = require('node:path');

module.exports = () => ({
  visitor: {
    ImportDeclaration({ node: { source } }) {
      if (source.value === '@jest/globals') source.value = join(__dirname, 'remote.ts');
    },
  },
});
