/** Stands in for Node modules that jest's matchers import but hardly use in a page: every function returns ''. */
module.exports = new Proxy({ builtinModules: [], sep: '/' }, { get: (known, name) => known[name] ?? (() => '') });
