/** The components there are: a literal list; a project may add connectors and transforms, see `project-catalog.ts`. A component's module holds its spec and loads its driver when it opens. */
import { bzip2 } from '../codecs/bzip2.ts';
import { gzip } from '../codecs/gzip.ts';
import { openpgpWith } from '../codecs/openpgp/openpgp.ts';
import { tar } from '../codecs/tar.ts';
import { zip } from '../codecs/zip.ts';
import { zstd } from '../codecs/zstd.ts';
import { folder } from '../connectors/folder.ts';
import { ftp } from '../connectors/ftp.ts';
import { http } from '../connectors/http.ts';
import { mysql } from '../connectors/mysql.ts';
import { postgres } from '../connectors/postgres.ts';
import { rest } from '../connectors/rest.ts';
import { s3 } from '../connectors/s3.ts';
import { sftp } from '../connectors/sftp.ts';
import { csv } from '../formats/csv/csv.ts';
import { fixedWidth } from '../formats/fixed-width.ts';
import { json } from '../formats/json/json.ts';
import { ndjson } from '../formats/json/ndjson.ts';
import { parquet } from '../formats/parquet.ts';
import { xlsx } from '../formats/xlsx/xlsx.ts';
import { xml } from '../formats/xml.ts';
import type { Codec } from '../ports/codec.ts';
import type { AnyConnector } from '../ports/extract.ts';
import type { Format } from '../ports/format.ts';
import type { Transform } from '../ports/transform.ts';

/** Messages may be compressed with bzip2 inside: the other codec reads that. */
const openpgp = openpgpWith({ bunzip2: async () => (await import('../codecs/bzip2/decode.ts')).decodeBzip2 });

export const CONNECTORS: readonly AnyConnector[] = [folder, ftp, sftp, s3, http, mysql, postgres, rest];
// biome-ignore lint/suspicious/noExplicitAny: components of every configuration.
export const CODECS: readonly Codec<any>[] = [gzip, zip, bzip2, zstd, tar, openpgp];
// biome-ignore lint/suspicious/noExplicitAny: components of every configuration.
export const FORMATS: readonly Format<any>[] = [csv, ndjson, json, parquet, xlsx, xml, fixedWidth];

/** For parsing a project. */
export const COMPONENTS = {
  connectors: CONNECTORS,
  codecs: CODECS,
  formats: FORMATS,
  transforms: [] as readonly Transform[],
};

export const CODEC_BY_TYPE = new Map(CODECS.map((c) => [c.type, c]));
export const FORMAT_BY_TYPE = new Map(FORMATS.map((f) => [f.type, f]));
