/** `npm run bench`: every bench after the other, each against its raw limit in alternation. `npm run bench -- 5M codecs` runs some. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHES: Record<string, { file: string; args?: string[]; what: string }> = {
  start: { file: 'start.ts', what: 'granary --help and granary check' },
  scan: { file: 'csv-scan.ts', what: 'the independent record count' },
  codecs: { file: 'codecs.ts', what: 'decompression and decryption against their command-line tools' },
  transfer: { file: 'transfer.ts', what: 'FTP against curl, SFTP against sftp' },
  xml: { file: 'xml.ts', what: 'XML to a table against saxes that only parses' },
  members: { file: 'members.ts', what: 'an archive of 1,000 small pages against DuckDB that reads them as files' },
  extract: { file: 'extract.ts', what: 'a table of MariaDB against the server writing the file itself' },
  capture: { file: 'capture.ts', what: 'changes of MariaDB against mariadb-binlog copying the log; and their lag' },
  machines: { file: 'machines.ts', what: 'the interpreter of state machines against bare SQLite transactions' },
  '5M': { file: 'file-path.ts', args: ['--rows', '5M'], what: 'the file path, 5 M rows × 15 columns' },
  '70M': { file: 'file-path.ts', args: ['--rows', '70M'], what: 'the file path, 70 M rows × 8 columns' },
};

const chosen = process.argv.slice(2);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n== ${name}: ${bench.what}`);
  const { status } = spawnSync(
    process.execPath,
    [fileURLToPath(new URL(bench.file, import.meta.url)), ...(bench.args ?? [])],
    { stdio: 'inherit' },
  );
  if (status !== 0) process.exitCode = 1;
}
