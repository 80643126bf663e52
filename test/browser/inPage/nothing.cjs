/** Stands in for the modules of Node that jest's matchers ask for and hardly need in a page: functions that give ''. */
module.exports = new Proxy({ builtinModules: [], sep: '/' }, { get: (known, name) => known[name] ?? (() => '') });
