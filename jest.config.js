/** Tests are TypeScript ES modules: swc strips the types, Node's own module loader runs them. */
export default {
  roots: ['<rootDir>/unit_tests', '<rootDir>/integration_tests'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } },
    ],
  },
  reporters: ['default', '<rootDir>/integration_tests/setup/closing-line.js'],
  globalSetup: '<rootDir>/integration_tests/setup/run-folder.js',
  globalTeardown: '<rootDir>/integration_tests/setup/no-run-folder.js',
  testSequencer: '<rootDir>/integration_tests/setup/slowest-first.js',
  maxWorkers: 3,
  testTimeout: 30_000,
};
