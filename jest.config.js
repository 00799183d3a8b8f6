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
  reporters: ['default', '<rootDir>/jest.closing-line.js'],
  globalSetup: '<rootDir>/jest.run-folder.js',
  globalTeardown: '<rootDir>/jest.no-run-folder.js',
  testSequencer: '<rootDir>/jest.slowest-first.js',
  maxWorkers: 3,
  testTimeout: 30_000,
};
