/** Streams XML through a SAX parser. Names come without their namespace prefix, which writers choose at will. */
import type { SaxesParser } from 'saxes';
import { invalid } from './package.ts';

export interface XmlHandler {
  open?(name: string, attributes: Record<string, string>, selfClosing: boolean): void;
  /** Text may come in pieces. */
  text?(text: string): void;
  close?(name: string): void;
}

/** Reads a part; after each piece of it yields, so that the caller can hand on what its handler has gathered. */
export async function* parseXml(
  part: string,
  bytes: AsyncIterable<Uint8Array>,
  handler: XmlHandler,
): AsyncGenerator<void> {
  const { SaxesParser } = await import('saxes');
  const parser: SaxesParser<object> = new SaxesParser({ position: false });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  parser.on('error', (e) => {
    throw e;
  });
  parser.on('doctype', () => {
    throw new Error('a document type, which spreadsheets do not have');
  });
  if (handler.open) {
    parser.on('opentag', ({ name, attributes, isSelfClosing }) => {
      handler.open!(localName(name), attributes as Record<string, string>, isSelfClosing);
    });
  }
  if (handler.text) {
    parser.on('text', handler.text);
    parser.on('cdata', handler.text);
  }
  if (handler.close) parser.on('closetag', ({ name }) => handler.close!(localName(name)));
  const feed = (act: () => void) => {
    try {
      act();
    } catch (e) {
      throw invalid(`${part} is not valid XML (${(e as Error).message})`, undefined, e);
    }
  };
  for await (const chunk of bytes) {
    feed(() => parser.write(decoder.decode(chunk, { stream: true })));
    yield;
  }
  feed(() => parser.write(decoder.decode()).close());
  yield;
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
