/** What every kind of field does alike: absence, defaults, descriptions. */
import type { FieldInfo, JsonSchema, ParseContext, Spec } from './spec.ts';

export type Path = (string | number)[];
/** The type of a parsed field: a default fills it, an optional one may be undefined. */
export type Present<I, T> = I extends { default: unknown } ? T : I extends { optional: true } ? T | undefined : T;

/** The value of a field that is not there; an issue when it has to be. */
export function absent<T>(info: FieldInfo<T>, path: Path, context: ParseContext): T | undefined {
  if (info.default !== undefined) return info.default;
  if (info.optional) return undefined;
  const last = path.at(-1);
  if (typeof last === 'number')
    context.issues.push({
      path,
      message: 'expected a value, found nothing; the word null is written in quotes: "null"',
    });
  else context.issues.push({ path: path.slice(0, -1), atKey: true, message: `"${last}" is missing: ${info.doc}` });
  return undefined;
}

/** Must a user write it? A mapping only if something in it must be written. */
export function isRequired({ info, children }: Spec<unknown>): boolean {
  if (info.optional || info.default !== undefined) return false;
  return children?.kind === 'object' ? Object.values(children.fields).some(isRequired) : true;
}

export function withInfo(schema: JsonSchema, info: FieldInfo): JsonSchema {
  return {
    ...schema,
    description: info.doc,
    ...(info.default !== undefined && isPlain(info.default) && { default: info.default }),
  };
}
const isPlain = (v: unknown) => ['string', 'number', 'boolean'].includes(typeof v);

export function isMapping(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}
