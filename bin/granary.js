#!/usr/bin/env node
// File reads of Node share four threads by default with DuckDB's; a running query would hold them up.
process.env.UV_THREADPOOL_SIZE ??= '8';
const [major] = process.versions.node.split('.');
if (Number(major) < 24) {
  process.stderr.write(
    `granary needs Node.js 24 or later; this is ${process.version}.\nWith npm, \`npx granary\` in a project that has the package "node" uses the right one.\n`,
  );
  process.exit(1);
}
const { enableCompileCache } = await import('node:module');
enableCompileCache?.();
const { existsSync } = await import('node:fs');
// A checkout has the sources, which run as they are; a published package has the build.
const source = new URL('../src/cli/main.ts', import.meta.url);
await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
