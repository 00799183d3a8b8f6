/**
 * `npm run build`: `src` → `dist`, a few files instead of hundreds, since finding and linking files is most of what a start takes.
 * What every command needs is bundled, too: of Zod alone that spares seventy files, most of them languages. Types are the
 * business of `npm run check`.
 */
import { chmodSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { build } from 'esbuild';

/** Loaded from where they are installed: what only some runs need. */
const INSTALLED = ['@aws-sdk/client-s3', 'cli-table3', 'pg'];

/**
 * What the proxies' agents would print where the environment says DEBUG=*: requests with their keys, on stderr. Without it
 * nothing is printed, and nothing loaded for it.
 */
const silent = {
  name: 'silent',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^debug$/ }, ({ path }) => ({ path, namespace: 'silent' }));
    onLoad({ filter: /./, namespace: 'silent' }, () => ({ contents: 'module.exports = () => () => {};' }));
  },
};

/** An import reads all exports of `node:http`, and some of these load Node's own fetch, which takes longer than all the rest. */
const httpAlone = {
  name: 'http-alone',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?http$/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}');`,
    }));
  },
};

const root = dirname(import.meta.dirname);
rmSync(`${root}/dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  // One folder down, as `src/config` is: spec.json is found from both.
  chunkNames: 'parts/[name]-[hash]',
  bundle: true,
  // What is loaded on need stays apart.
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22.13',
  charset: 'utf8',
  external: INSTALLED,
  plugins: [httpAlone, silent],
  logLevel: 'warning',
});
chmodSync(`${root}/dist/main.js`, 0o755);
