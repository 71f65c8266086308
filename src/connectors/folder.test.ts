import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chunksOf, listed, rejectsWith } from '../../test/contracts/file-source.ts';
import type { FileSource } from '../ports/connector.ts';
import { folder } from './folder.ts';

describe('the folder connector', () => {
  let home: string;
  let source: FileSource;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'granary-folder-'));
    await mkdir(join(home, 'root/sub'), { recursive: true });
    await mkdir(join(home, 'outside'));
    await writeFile(join(home, 'root/sub/data.csv'), 'inside');
    await writeFile(join(home, 'outside/secret.csv'), 'outside');
    await symlink('sub/data.csv', join(home, 'root/latest.csv'));
    await symlink('../outside/secret.csv', join(home, 'root/leak.csv'));
    await symlink('../outside', join(home, 'root/way-out'));
    await symlink('.', join(home, 'root/loop'));
    await symlink('none', join(home, 'root/dangling.csv'));
    source = await folder.open({ path: 'root' }, { projectDir: home });
  });
  after(() => rm(home, { recursive: true }));

  it('takes a path relative to the project', async () => {
    assert.equal((await source.stat('sub/data.csv'))?.bytes, 6);
  });

  it('follows links to files inside the folder, enters no linked folder, and offers nothing outside', async () => {
    const paths = (await listed(source, { folder: '', depth: Number.POSITIVE_INFINITY })).map((file) => file.path);
    assert.deepEqual(paths.sort(), ['latest.csv', 'sub/data.csv']);
    assert.equal(Buffer.concat(await chunksOf(source, 'latest.csv')).toString(), 'inside');
  });

  it('says so when the folder itself is gone, and goes on when it is back', async () => {
    const everything = { folder: '', depth: 1 };
    await mkdir(join(home, 'share'));
    await writeFile(join(home, 'share/a.csv'), 'a');
    const share = await folder.open({ path: 'share' }, { projectDir: home });
    await rename(join(home, 'share'), join(home, 'away'));
    await rejectsWith(listed(share, everything), 'connector.not_found', false);
    await rejectsWith(listed(share, { folder: 'days', depth: 0 }), 'connector.not_found', false);
    await rename(join(home, 'away'), join(home, 'share'));
    assert.deepEqual(await listed(share, { folder: 'days', depth: 0 }), []);
    assert.equal((await listed(share, everything)).length, 1);
  });

  it('refuses what a link leads to outside, also when asked for it', async () => {
    for (const path of ['leak.csv', 'way-out/secret.csv']) {
      await rejectsWith(chunksOf(source, path), 'connector.denied', false);
      await rejectsWith(source.remove(path), 'connector.denied', false);
    }
    await rejectsWith(source.move('sub/data.csv', 'way-out/taken.csv'), 'connector.denied', false);
    await rejectsWith(source.move('sub/data.csv', 'way-out/new/taken.csv'), 'connector.denied', false);
    assert.equal(await readFile(join(home, 'outside/secret.csv'), 'utf8'), 'outside');
  });

  it('says when the folder is missing or is a file', async () => {
    await rejectsWith(folder.open({ path: 'none' }, { projectDir: home }), 'connector.not_found', false);
    await rejectsWith(folder.open({ path: 'root/sub/data.csv' }, { projectDir: home }), 'connector.denied', false);
  });
});
