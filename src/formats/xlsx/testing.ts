/** For tests: makes spreadsheets as tools write them. */
import { crc32, deflateRawSync } from 'node:zlib';

/** A zip archive of text files. */
export function zipOf(files: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of Object.entries(files)) {
    const name = Buffer.from(path);
    const bytes = Buffer.from(content);
    const data = deflateRawSync(bytes);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(8, 4);
    facts.writeUInt32LE(crc32(bytes), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(bytes.length, 18);
    facts.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), facts, name, data);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02', 'latin1');
    entry.writeUInt16LE(20, 4);
    facts.copy(entry, 6);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, name);
    offset += 30 + name.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(directory.length / 2, 8);
  end.writeUInt16LE(directory.length / 2, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

export interface BookParts {
  /** XML within `sheetData`, by the name of the sheet. */
  sheets: Record<string, string>;
  /** XML of each `si`. */
  strings?: string[];
  /** Number formats of the cell styles 0, 1, …: an id, or the code of an own format. */
  styles?: (number | string)[];
  hidden?: string[];
  date1904?: boolean;
  /** Prefix of element names, with its colon, as some writers use. */
  prefix?: string;
}

export function workbookOf({
  sheets,
  strings = [],
  styles = [0],
  hidden = [],
  date1904,
  prefix = '',
}: BookParts): Buffer {
  const ns = `xmlns${prefix ? `:${prefix.slice(0, -1)}` : ''}="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`;
  const rel = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const names = Object.keys(sheets);
  const own = styles.flatMap((s) => (typeof s === 'string' ? [s] : []));
  const list = names.map(
    (n, i) =>
      `<${prefix}sheet name="${n}" sheetId="${i + 1}" r:id="rId${i + 1}"${hidden.includes(n) ? ' state="hidden"' : ''}/>`,
  );
  const relations = names.map(
    (_, i) => `<Relationship Id="rId${i + 1}" Type="${rel}/worksheet" Target="worksheets/sheet${i + 1}.xml"/>`,
  );
  const xfs = styles.map((s) => `<xf numFmtId="${typeof s === 'number' ? s : 164 + own.indexOf(s)}"/>`);
  const formats = own.map(
    (code, i) => `<numFmt numFmtId="${164 + i}" formatCode="${code.replaceAll('"', '&quot;')}"/>`,
  );
  return zipOf({
    '_rels/.rels': `<Relationships><Relationship Id="rId1" Type="${rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    'xl/workbook.xml': `<?xml version="1.0"?><${prefix}workbook ${ns} xmlns:r="${rel}"><${prefix}workbookPr${date1904 ? ' date1904="1"' : ''}/><${prefix}sheets>${list.join('')}</${prefix}sheets></${prefix}workbook>`,
    'xl/_rels/workbook.xml.rels': `<Relationships>${relations.join('')}<Relationship Id="s" Type="${rel}/styles" Target="styles.xml"/><Relationship Id="t" Type="${rel}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>`,
    'xl/styles.xml': `<styleSheet><numFmts>${formats.join('')}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>${xfs.join('')}</cellXfs></styleSheet>`,
    'xl/sharedStrings.xml': `<sst>${strings.map((s) => `<si>${s}</si>`).join('')}</sst>`,
    ...Object.fromEntries(
      names.map((n, i) => [
        `xl/worksheets/sheet${i + 1}.xml`,
        `<?xml version="1.0"?><${prefix}worksheet ${ns}><${prefix}sheetData>${sheets[n]}</${prefix}sheetData></${prefix}worksheet>`,
      ]),
    ),
  });
}

/** A row of inline texts and numbers. */
export function rowOf(number: number, values: (string | number | undefined)[]): string {
  const cells = values.map((v) =>
    v === undefined
      ? '<c/>'
      : typeof v === 'number'
        ? `<c><v>${v}</v></c>`
        : `<c t="inlineStr"><is><t>${v}</t></is></c>`,
  );
  return `<row r="${number}">${cells.join('')}</row>`;
}
