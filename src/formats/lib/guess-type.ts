/** The type that a column's values have, as far as their profile tells. Pure. */
import type { ColumnType } from '../../model/schema.ts';
import type { ColumnProfile } from './column-profile.ts';

export interface Guess {
  type: ColumnType;
  decimal?: ',';
  thousands?: ',' | '.';
  /** A sentence for a person, about this column. */
  note?: string;
}

/** What other columns of the file show about how it writes numbers. */
export interface NumberHabits {
  /** A decimal comma is used beyond doubt somewhere. */
  comma: boolean;
  /** A decimal point is. */
  point: boolean;
}

/** Does a column show beyond doubt which decimal sign it uses? */
export function numberHabits(profiles: readonly ColumnProfile[]): NumberHabits {
  return {
    comma: profiles.some((p) => isComma(p) && p.comma > p.commaEither),
    point: profiles.some((p) => isPoint(p) && p.point > p.pointEither),
  };
}

const isComma = (p: ColumnProfile) => p.values > 0 && p.comma > 0 && p.whole + p.comma + onlyGroups(p) === p.values;
const isPoint = (p: ColumnProfile) => p.values > 0 && p.point > 0 && p.whole + p.point === p.values;
/** `1.234,50`, and `1.234` which is a group where a comma is the decimal sign. */
const onlyGroups = (p: ColumnProfile) => p.pointGroups;

/**
 * The narrowest type that fits all values and is not likely to be too narrow for the next file: whole numbers near the limit of
 * `integer` become `bigint`, and money gets a decimal with room, never a `double`. Values with leading zeros are text, for they are
 * identifiers. Undefined when only text fits so far: dates that are not ISO are looked for elsewhere.
 */
export function guessType(p: ColumnProfile, habits: NumberHabits): Guess | undefined {
  if (p.values === 0) return { type: 'text' };
  if (p.boolean === p.values) return { type: 'boolean' };
  if (p.uuid === p.values) return { type: 'uuid' };
  return number(p, habits) ?? moment(p) ?? (p.json === p.values ? { type: 'json' } : undefined);
}

function moment(p: ColumnProfile): Guess | undefined {
  if (p.isoDate === p.values) return { type: 'date' };
  if (p.isoTimestamp === p.values) return { type: 'timestamp' };
  if (p.isoInstant === p.values) return { type: 'timestamp_tz' };
  if (p.time === p.values) return { type: 'time' };
  return undefined;
}

function number(p: ColumnProfile, habits: NumberHabits): Guess | undefined {
  if (p.whole === p.values) return whole(p);
  if (isPoint(p) && !(habits.comma && !habits.point && p.point === p.pointEither)) {
    return decimal(p.pointDigits, p.pointScale);
  }
  if (p.whole + p.commaGroups === p.values && p.commaGroups > p.commaEither) {
    return { ...decimal(p.pointDigits, p.pointScale), thousands: ',' };
  }
  if (p.commaEither > 0 && p.whole + p.commaEither === p.values) return commaOrGroups(p, habits);
  if (
    p.whole + p.comma + p.pointGroups === p.values &&
    (p.comma > 0 || p.pointGroups > p.pointEither || habits.comma)
  ) {
    const grouped = p.pointGroups > 0 && { thousands: '.' as const };
    return { ...decimal(p.commaDigits, p.commaScale), decimal: ',', ...grouped };
  }
  return p.number === p.values && p.zeroLed === 0 ? { type: 'double' } : undefined;
}

/** Every comma has three digits behind it: a decimal comma and a thousands separator look the same. */
function commaOrGroups(p: ColumnProfile, habits: NumberHabits): Guess {
  if (habits.comma && !habits.point) return { ...decimal(p.commaDigits, p.commaScale), decimal: ',' };
  if (habits.point && !habits.comma) return { ...decimal(p.pointDigits, 0), thousands: ',' };
  return {
    type: 'text',
    note: 'the comma in its numbers may be a decimal comma or separate thousands: it is text until you set a number type and `decimal: ","` or `thousands: ","`.',
  };
}

function whole(p: ColumnProfile): Guess {
  if (p.pointDigits <= 8) return { type: 'integer' };
  if (p.pointDigits <= 18) return { type: 'bigint' };
  return p.pointDigits <= 38 ? { type: `decimal(38,0)` } : { type: 'text' };
}

/** Beyond this scale values are measurements and not amounts. */
const LARGEST_SCALE = 8;

/** Room for amounts a hundred times larger, in steps that people use. */
function decimal(digits: number, scale: number): Guess {
  if (scale > LARGEST_SCALE || digits + scale > 38) return { type: 'double' };
  if (scale === 0) return digits <= 8 ? { type: 'integer' } : { type: 'bigint' };
  const wanted = digits + scale + 2;
  const precision = [12, 18].find((step) => wanted <= step) ?? 38;
  return { type: `decimal(${precision},${scale})` };
}
