import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { chunksOf, listed, rejectsWith } from '../../test/contracts/file-source.ts';
import { opener } from '../../test/contracts/opener.ts';
import { type HttpServer, nginxMissing, startHttpServer } from '../../test/servers/nginx.ts';
import { LOOPBACK } from '../../test/servers/processes.ts';
import { http } from './http.ts';

describe('the HTTP connector', { skip: nginxMissing() }, () => {
  let server: HttpServer;
  let base: string;
  const open = opener(http);
  const everything = { folder: '', depth: Number.POSITIVE_INFINITY };
  before(async () => {
    server = await startHttpServer();
    base = `http://${LOOPBACK}:${server.port}`;
    await mkdir(join(server.files, 'daily'));
    const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
    for (const name of [`sales_${today}.csv`, 'sales_20010101.csv'])
      await writeFile(join(server.files, 'daily', name), 'x');
  });
  after(() => server?.stop());

  it('asks for paths with date parts where there is no index', async () => {
    const source = await open({ url: `${base}/open`, paths: 'daily/sales_{yyyy}{MM}{dd}.csv', look_back: '2 days' });
    const files = await listed(source, everything);
    assert.equal(files.length, 1);
    assert.match(files[0]!.path, /^daily\/sales_2\d{7}\.csv$/);
    assert.equal(files[0]!.bytes, 1);
    assert.deepEqual(await listed(source, { folder: '', depth: 0 }), []);
    assert.equal((await listed(source, { folder: 'daily', depth: 0 })).length, 1);
    await source.close();
  });

  it('follows redirects', async () => {
    const source = await open({ url: `${base}/elsewhere`, user: server.user, password: server.password });
    assert.equal((await listed(source, everything)).length, 2);
    assert.equal(Buffer.concat(await chunksOf(source, 'daily/sales_20010101.csv')).toString(), 'x');
    await source.close();
  });

  it('keeps credentials from other servers that it is redirected to', async () => {
    // Another port is another origin.
    const settings = { url: `${base}/other-origin`, user: server.user, password: server.password };
    await rejectsWith(open({ ...settings, ca_file: server.certificate.certificate }), 'connector.auth_failed', false);
  });

  it('sends headers of the configuration', async () => {
    const settings = { url: `${base}/bearer`, index: 'json', headers: { Authorization: `Bearer ${server.token}` } };
    const source = await open(settings);
    assert.equal((await listed(source, everything)).length, 2);
    await source.close();
  });

  it('does not follow a redirect from https to http', async () => {
    const settings = { url: `https://localhost:${server.tlsPort}/downgrade`, ca_file: server.certificate.certificate };
    await rejectsWith(open(settings), 'connector.protocol', false);
  });

  it('refuses a certificate nobody vouches for', async () => {
    await rejectsWith(open({ url: `https://localhost:${server.tlsPort}/open` }), 'connector.tls', false);
  });

  it('says that an index is missing or is none', async () => {
    await rejectsWith(open({ url: `${base}/open/none` }), 'connector.not_found', false);
    const html = await open({ url: `${base}/basic`, index: 'json', user: server.user, password: server.password });
    await rejectsWith(listed(html, everything), 'connector.protocol', false);
    await html.close();
  });
});
