/** A certificate for the loopback servers, signed by itself. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './processes.ts';

export interface TestCertificate {
  /** PEM files. */
  certificate: string;
  key: string;
  /** SHA-256, as OpenSSL prints it. */
  fingerprint: string;
}

export async function makeCertificate(folder: string): Promise<TestCertificate> {
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'certificate.key')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2';
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await run('openssl', [...request, '-subj', '/CN=localhost', '-addext', names, '-keyout', key, '-out', certificate]);
  const { fingerprint256 } = new X509Certificate(await readFile(certificate));
  return { certificate, key, fingerprint: fingerprint256 };
}
