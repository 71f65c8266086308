/** A shop's day as the till server writes it. */
import { type Line, type Receipt, type TillDay, totalOf } from './company.ts';
import { paymentsOf } from './expected.ts';

export const fileName = ({ store, day }: TillDay): string =>
  `pos_${store}_${day.toISOString().slice(0, 10).replaceAll('-', '')}.xml`;

export function documentOf({ store, day, receipts }: TillDay): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<PosLog store="${store}" day="${day.toISOString().slice(0, 10)}">
${receipts.map(transaction).join('\n')}
</PosLog>
`;
}

/** What is there of it when the line breaks in the middle: no record is complete behind that. */
export function cutOffDocumentOf(till: TillDay): string {
  const text = documentOf(till);
  return text.slice(0, text.indexOf('<UnitPrice>', text.length / 2) + 13);
}

function transaction({ number, kind, card, beganAt, lines }: Receipt): string {
  const payments = paymentsOf(lines).map(({ means, cents }) => `<Payment means="${means}">${euros(cents)}</Payment>`);
  return `  <Transaction number="${number}" kind="${kind}"${card === undefined ? '' : ` card="${card}"`}>
    <Began>${beganAt.toISOString().slice(0, 19)}</Began>
    <Lines>
${lines.map(line).join('\n')}
    </Lines>
    <Payments>${payments.join('')}</Payments>
    <Total>${euros(totalOf(lines))}</Total>
  </Transaction>`;
}

function line({ sku, quantity, cents }: Line): string {
  return `      <Line><Item sku="${sku}">Süßes &amp; mehr</Item><Quantity>${quantity}</Quantity><UnitPrice>${euros(cents)}</UnitPrice></Line>`;
}

const euros = (cents: number): string => (cents / 100).toFixed(2);
