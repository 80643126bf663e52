'use strict';
/** Makes '@jest/globals' mean remote.ts in jest's browser projects; jest lets no moduleNameMapper change that. */
const { join } = require('node:path');

module.exports = () => ({
  visitor: {
    ImportDeclaration({ node: { source } }) {
      if (source.value === '@jest/globals') source.value = join(__dirname, 'remote.ts');
    },
  },
});
