/** What `granary init` writes: a small project that runs at once, with its comments as the first lesson. */
import { PROJECT_SCHEMA, SOURCE_SCHEMA, schemaLine } from './schema-files.ts';

/**
 * Texts by path relative to the project folder. `name` is a legal name, see `toName`. Comments without a space after `#` are settings to
 * uncomment.
 */
export function projectTemplate(name: string): Record<string, string> {
  return {
    'granary.yaml': projectYaml(name),
    'sources/stores.yaml': SOURCE_YAML,
    'inbox/sales_20261119.csv': SAMPLE,
    '.gitignore': GITIGNORE,
  };
}

const projectYaml = (name: string) => `${schemaLine('granary.yaml', PROJECT_SCHEMA)}

name: ${name}

# State, landed files and the warehouse.
#data_dir: .granary

# Memory for queries and loads.
#warehouse: { memory: 2 GB }

# Key of \`hash\` and \`tokenise\` masks.
#mask_key: \${secret:MASK_KEY}

# Values that differ, chosen with --env or GRANARY_ENV.
#environments:
#  prod:
#    sources:
#      stores: { connector: { path: /srv/drop/stores } }
`;

const SOURCE_YAML = `${schemaLine('sources/stores.yaml', SOURCE_SCHEMA)}

# One system data comes from. The file's name is the source's name.
description: Daily sales of the stores
connector: { type: folder, path: inbox }

# One kind of files each. \`granary discover\` proposes them from samples.
datasets:
  sales:
    files: sales_{date:yyyyMMdd}.csv

    # Take files as soon as they are seen. Without this line a file is taken when its size has not changed for a minute.
    ready: now

    # The contract: what does not fit is rejected, with its line and the reason.
    columns:
      sale_id: { type: bigint, required: true }
      sold_at: timestamp
      store: text
      product: text
      quantity: integer
      amount: decimal(12,2)

    # Rows that are not wanted are not stored, but counted.
    keep: store <> 'TEST'

    rules:
      - range: { column: quantity, min: 1 }
      - expression: amount >= 0

    # A sale that comes again replaces the one before.
    load: { strategy: merge, key: sale_id }
`;

/** Eight records: six good ones, one of the test store, one whose quantity is no number. */
const SAMPLE = `sale_id,sold_at,store,product,quantity,amount
1001,2026-11-19 08:02:11,north,P100234,2,19.90
1002,2026-11-19 08:15:40,north,P100871,1,4.50
1003,2026-11-19 09:01:05,south,P100234,3,29.85
1004,2026-11-19 09:30:00,TEST,P000000,1,0.01
1005,2026-11-19 10:12:33,south,P101010,two,12.00
1006,2026-11-19 10:48:19,north,P100871,4,18.00
1007,2026-11-19 11:05:57,west,P102456,1,249.00
1008,2026-11-19 11:59:02,west,P100234,1,9.95
`;

const GITIGNORE = `# State, landed files, warehouse, schemas for the editor.
.granary/
# Opens the encrypted secrets; it stays on the machine.
.secrets.key
.env
`;
