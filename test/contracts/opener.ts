/** Opens connectors from configurations as a user writes them. */
import assert from 'node:assert/strict';
import type { ParseContext } from '../../src/lib/spec/spec.ts';
import type { FileConnector, FileSource } from '../../src/ports/connector.ts';

export function opener<C>(connector: FileConnector<C>): (written: Record<string, unknown>) => Promise<FileSource> {
  return (written) => {
    const context: ParseContext = { issues: [] };
    const config = connector.spec.parse(written, [], context);
    assert.deepEqual(context.issues, []);
    return connector.open(config as C, { projectDir: '/tmp' });
  };
}
