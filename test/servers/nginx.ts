/** nginx serving a folder: open, with a password, with a token, with an index in HTML and in JSON, over TLS. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate, type TestCertificate } from './certificate.ts';
import { freePorts, isRoot, LOOPBACK, missing, run, SERVER_USER, serverFolder, startServer } from './processes.ts';

export interface HttpServer {
  port: number;
  tlsPort: number;
  user: string;
  password: string;
  token: string;
  files: string;
  certificate: TestCertificate;
  stop(): Promise<void>;
}

export const nginxMissing = () => missing('/usr/sbin/nginx');

/**
 * The same files under `/basic/` (user and password, HTML index), `/bearer/` (token, JSON index), `/open/` (no index), and
 * `/no-ranges/` (user and password, whole files only). `/elsewhere/` redirects to `/basic/`, `/other-origin/` to
 * `/basic/` over TLS, and `/downgrade/` to `/open/` without.
 */
export async function startHttpServer(): Promise<HttpServer> {
  const { folder, files, remove } = await serverFolder('nginx');
  const certificate = await makeCertificate(folder);
  const port = await freePorts(2);
  const [user, password, token] = ['granary', 'pass word', 'token-0815'];
  await writeFile(join(folder, 'users'), `${user}:${(await run('openssl', ['passwd', '-apr1', password])).trim()}\n`);
  const basic = `auth_basic "files"; auth_basic_user_file ${folder}/users;`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const configuration = join(folder, 'nginx.conf');
  await writeFile(
    configuration,
    `daemon off; pid ${folder}/pid; error_log stderr; worker_processes 1; ${isRoot ? `user ${SERVER_USER};` : ''}
events { worker_connections 256; }
http {
  access_log off;
  default_type application/octet-stream;
  ${temporary.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  server {
    listen ${LOOPBACK}:${port};
    listen ${LOOPBACK}:${port + 1} ssl;
    ssl_certificate ${certificate.certificate};
    ssl_certificate_key ${certificate.key};
    location /basic/ { alias ${files}/; autoindex on; ${basic} }
    location /bearer/ {
      if ($http_authorization != "Bearer ${token}") { return 401; }
      alias ${files}/; autoindex on; autoindex_format json;
    }
    location /open/ { alias ${files}/; }
    location /no-ranges/ { alias ${files}/; max_ranges 0; autoindex on; ${basic} }
    location /elsewhere/ { rewrite ^/elsewhere/(.*)$ /basic/$1 redirect; }
    location /other-origin/ { return 302 https://${LOOPBACK}:${port + 1}/basic/; }
    location /downgrade/ { return 302 http://${LOOPBACK}:${port}/open/; }
  }
}
`,
  );
  // -p: nginx opens its log there before it reads the configuration.
  const server = await startServer('/usr/sbin/nginx', ['-p', folder, '-e', 'stderr', '-c', configuration], { port });
  return {
    port,
    tlsPort: port + 1,
    user,
    password,
    token,
    files,
    certificate,
    async stop() {
      await server.stop();
      await remove();
    },
  };
}
