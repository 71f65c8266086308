/** For tests of what a fatal error of the engine costs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** DuckDB 1.5 fails internally on a value that is no UTF-8 in a file that it does not have to look at first; then everything is `FATAL`. */
export async function defect(folder: string): Promise<string> {
  const path = join(folder, 'defect.csv');
  await writeFile(path, Buffer.from(`a,b,c\n${'1,ok,ok\n'.repeat(3000)}1,abc,\xff\xfe\n`, 'latin1'));
  const columns = "columns = {a: 'VARCHAR', b: 'VARCHAR', c: 'VARCHAR'}";
  return `CREATE OR REPLACE TEMP TABLE z AS SELECT c, length(c) FROM read_csv('${path}', header = true, all_varchar = true, auto_detect = false, ${columns})`;
}
