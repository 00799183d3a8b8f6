import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The import graph of `src`, whole: a folder (or file) may import itself, the shared ground, and what stands here.
 * Imports flow one way; anything not listed is an error.
 */
const SHARED_GROUND = ['model.ts', 'errors.ts', 'json.ts', 'clock.ts', 'retry.ts', 'run.ts', 'coalesce.ts'];
const MAY_IMPORT = {
  protocol: [],
  config: ['mapping', 'network'],
  mapping: [],
  streams: ['config', 'protocol', 'mapping'],
  checkpoint: [],
  batching: ['mapping'],
  network: [],
  'rejected-records': ['network'],
  ledger: ['mapping'],
  diff: ['ledger', 'protocol', 'streams', 'mapping'],
  iterable: ['network'],
  delivery: ['iterable', 'batching'],
  sync: ['protocol', 'streams', 'mapping', 'batching', 'delivery', 'checkpoint', 'rejected-records', 'diff'],
  'dry-run': ['protocol', 'streams', 'mapping', 'delivery', 'iterable', 'ledger', 'diff', 'sync'],
  app: [
    'protocol',
    'config',
    'streams',
    'mapping',
    'sync',
    'delivery',
    'iterable',
    'checkpoint',
    'batching',
    'rejected-records',
    'ledger',
    'diff',
    'network',
    'dry-run',
  ],
  cli: ['app', 'protocol', 'config', 'streams', 'iterable', 'sync', 'dry-run'],
};

const zones = [
  ...Object.entries(MAY_IMPORT).map(([room, allowed]) => ({
    target: `./src/${room}`,
    from: './src',
    except: [room, ...allowed, ...SHARED_GROUND].map((name) => `./${name}`),
    message: `src/${room} may import only: ${[...allowed, ...SHARED_GROUND].join(', ')}.`,
  })),
  ...SHARED_GROUND.map((file) => ({
    target: `./src/${file}`,
    from: './src',
    except: SHARED_GROUND.map((name) => `./${name}`),
    message: 'Shared ground stands on nothing but itself.',
  })),
];

export default tseslint.config(
  { ignores: ['dist', 'coverage', 'node_modules'] },
  js.configs.recommended,
  { files: ['integration_tests/setup/*.js'], languageOptions: { globals: { process: 'readonly' } } },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] } },
    rules: {
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
      'no-console': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'process', message: 'Only main.ts touches the process.' }],
    },
  },
  {
    files: ['integration_tests/**/*.ts', 'unit_tests/**/*.ts'],
    rules: {
      'no-console': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: ['it', 'describe', 'test'] },
      ],
    },
  },
);
