// What `import … from 'granary/connector'` gives. A checkout has the sources, which run as they are; a published package has the build.
import { existsSync } from 'node:fs';

const source = new URL('../src/api/connector.ts', import.meta.url);
const api = await import(existsSync(source) ? source.href : new URL('../dist/api/connector.js', import.meta.url).href);
export const { defineConnector, GranaryError, s } = api;
