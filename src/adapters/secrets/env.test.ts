import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../../lib/redact.ts';
import { openEnvSecrets } from './env.ts';

test('a secret is found as GRANARY_SECRET_ and its name in capitals, or as a variable of its very name', async () => {
  const secrets = openEnvSecrets({ GRANARY_SECRET_CRM_PASSWORD: 'from-prefix', FTP_PASSWORD: 'from-plain' });
  assert.equal(await secrets.get('crm-password'), 'from-prefix');
  assert.equal(await secrets.get('crm.password'), 'from-prefix');
  assert.equal(await secrets.get('FTP_PASSWORD'), 'from-plain');
  assert.equal(await secrets.get('ftp_password'), undefined);
});

test('the variable that is set for Granary wins over one of the plain name', async () => {
  const secrets = openEnvSecrets({ TOKEN: 'for-another-program', GRANARY_SECRET_TOKEN: 'for-granary' });
  assert.equal(await secrets.get('TOKEN'), 'for-granary');
});

test('an empty variable counts as not set, and a name of JavaScript is no secret', async () => {
  const secrets = openEnvSecrets({ GRANARY_SECRET_A: '', A: '', GRANARY_SECRET_B: '', B: 'plain' });
  assert.equal(await secrets.get('A'), undefined);
  assert.equal(await secrets.get('B'), 'plain');
  assert.equal(await secrets.get('constructor'), undefined);
});

test('a secret that was resolved does not show in text any more', async () => {
  await openEnvSecrets({ GRANARY_SECRET_PW: 'correct horse' }).get('PW');
  assert.equal(redact('login failed with correct horse'), 'login failed with ***');
});
