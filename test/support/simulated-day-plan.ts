/**
 * The plan of a day for 45 sources, with what must become of it. From Saturday 2026-10-24 12:00 to Sunday 2026-10-25 14:00 in Berlin; at
 * 3:00 that night clocks go back to 2:00. Times are UTC, `24 18:00` for 2026-10-24T18:00:00.000Z: Berlin is two hours ahead, from `25 01:00` on one.
 */

export interface Delivery {
  at: string;
  rows: number;
  /** Of the name; the day on which it is due if not given. Null: the name has no date. */
  date?: string | null;
}

/** A delivery that is due, and how it stands in the end. */
export interface PlannedSlot {
  /** On the board of this day, at this time, in the zone of the rule. */
  date: string;
  time: string;
  due: string;
  state: 'arrived' | 'late' | 'missed';
  arrivedAt: string | null;
}

export interface PlannedSource {
  name: string;
  /** Of the source, as it is written in its file; none: it runs when files arrive. */
  schedule?: string;
  /** Of its dataset `files`. */
  expect?: string;
  /** Has a dataset `stock` as well: a small file with every other. */
  stock?: true;
  files?: Delivery[];
  slots?: PlannedSlot[];
  /** Starts of its pipeline, with the time at which each was due where that is another. */
  runs?: (string | { at: string; due: string })[];
  /** What starts them: `arrival` without a schedule, else `schedule` if not given. */
  trigger?: 'event';
  failed?: string[];
}

export const START = '24 10:00';
export const END = '25 13:00';
/** No owner runs. */
export const NOBODY = { from: '24 18:02', to: '24 18:40' };
/** The folders of `harbour` and `island` are not there. */
export const OUTAGE = { from: '25 03:00', to: '25 06:00', sources: ['harbour', 'island'] };
/** Who takes messages is not there. */
export const SILENCE = { from: '25 06:30', to: '25 07:30' };

export const instant = (at: string): number => Date.parse(`2026-10-${at.replace(' ', 'T')}:00Z`);
export const iso = (at: string): string => new Date(instant(at)).toISOString();
const after = (at: string, minutes: number) =>
  new Date(instant(at) + minutes * 60_000).toISOString().slice(8, 16).replace('T', ' ');
const each = (from: string, to: string, minutes: number) =>
  Array.from({ length: (instant(to) - instant(from)) / 60_000 / minutes + 1 }, (_, i) => after(from, i * minutes));

const SATURDAY = '2026-10-24';
const SUNDAY = '2026-10-25';
/** Wall time in Berlin on Saturday before the change, on Sunday after it. */
const berlin = (day: string, time: string) => after(`${day.slice(8)} ${time}`, day === SATURDAY ? -120 : -60);

/** Files are taken when they are a minute old, or when there is somebody again. */
function takenAt(file: string): string {
  const ready = after(file, 1);
  return ready > NOBODY.from && ready < NOBODY.to ? NOBODY.to : ready;
}

/** Due once at a wall time in Berlin; its file comes so many minutes after that, or before it: negative. */
function store(
  name: string,
  day: string,
  time: string,
  comes: number,
  more: Partial<PlannedSource> = {},
): PlannedSource {
  const due = berlin(day, time);
  const file = after(due, comes);
  const taken = takenAt(file);
  return {
    name,
    expect: `"${time}"`,
    files: [{ at: file, rows: 40, date: day }],
    slots: [{ date: day, time, due, state: 'arrived', arrivedAt: taken }],
    runs: [taken],
    ...more,
  };
}

/** Runs at one time in its zone; its file is there ten minutes before, and due a quarter of an hour after. */
function timed(
  name: string,
  zone: string,
  cron: string,
  run: string,
  due: { date: string; time: string },
): PlannedSource {
  return {
    name,
    schedule: `{cron: "${cron}", time_zone: ${zone}}`,
    expect: `{due: ["${due.time}"], time_zone: ${zone}}`,
    files: [{ at: after(run, -10), rows: 25, date: due.date }],
    slots: [{ ...due, due: after(run, 15), state: 'arrived', arrivedAt: run }],
    runs: [run],
  };
}

const usual = (n: number): PlannedSource =>
  n < 14
    ? store(`store_${n}`, SATURDAY, `20:${n + 40}`, -15, { stock: true })
    : store(`store_${n}`, SUNDAY, `0${n % 2 ? 6 : 9}:${n + 10}`, -20);

const STORES: PlannedSource[] = [
  // Late, but within what is tolerated.
  store('store_1', SATURDAY, '18:05', 15),
  store('store_2', SATURDAY, '18:10', 80),
  store('store_3', SATURDAY, '19:00', 180),
  // One of two a day never comes; without dates in names the next one ends that.
  {
    name: 'store_4',
    expect: '{due: ["15:00", "21:00"]}',
    files: [{ at: '24 18:50', rows: 40, date: null }],
    slots: [
      { date: SATURDAY, time: '15:00', due: '24 13:00', state: 'missed', arrivedAt: null },
      { date: SATURDAY, time: '21:00', due: '24 19:00', state: 'arrived', arrivedAt: '24 18:51' },
    ],
    runs: ['24 18:51'],
  },
  // That of one day never comes, that of the next is in time.
  {
    name: 'store_5',
    expect: '"13:00"',
    files: [{ at: '25 11:40', rows: 40, date: SUNDAY }],
    slots: [
      { date: SATURDAY, time: '13:00', due: '24 11:00', state: 'missed', arrivedAt: null },
      { date: SUNDAY, time: '13:00', due: '25 12:00', state: 'arrived', arrivedAt: '25 11:41' },
    ],
    runs: ['25 11:41'],
  },
  // Far too small, and sent again.
  store('store_6', SATURDAY, '18:30', -20, {
    expect: '{due: ["18:30"], min_rows: 30}',
    files: [
      { at: '24 16:10', rows: 3, date: SATURDAY },
      { at: '24 19:30', rows: 60, date: SATURDAY },
    ],
    // The last that has come of it.
    slots: [{ date: SATURDAY, time: '18:30', due: '24 16:30', state: 'arrived', arrivedAt: '24 19:31' }],
    runs: ['24 16:11', '24 19:31'],
  }),
  // Ten times as much as on the days before.
  store('store_7', SATURDAY, '19:00', -20, {
    files: [
      ...[39, 41, 40, 42, 38, 40].map((rows, i) => ({ at: '24 08:00', rows, date: `2026-10-${18 + i}` })),
      { at: '24 16:40', rows: 400, date: SATURDAY },
    ],
    runs: ['24 10:00', '24 16:41'],
  }),
  // While nobody takes messages.
  store('store_8', SUNDAY, '07:00', 60),
  store('store_9', SUNDAY, '07:20', 160),
  ...[10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20].map(usual),
  // Nothing comes during the outage; that it cannot be looked at is told, and the end of that, by runs.
  store('island', SUNDAY, '08:00', -50, { runs: ['25 03:05', '25 06:04', '25 06:11'], failed: ['25 03:05'] }),
];

const BANKS: PlannedSource[] = [
  // Clocks show 2:30 twice: it is the first.
  timed('berlin', 'Europe/Berlin', '30 2 * * *', '25 00:30', { date: SUNDAY, time: '02:45' }),
  timed('london', 'Europe/London', '30 1 * * *', '25 00:30', { date: SUNDAY, time: '01:45' }),
  timed('new_york', 'America/New_York', '0 18 * * *', '24 22:00', { date: SATURDAY, time: '18:15' }),
  timed('tokyo', 'Asia/Tokyo', '0 6 * * *', '24 21:00', { date: SUNDAY, time: '06:15' }),
  timed('kolkata', 'Asia/Kolkata', '15 5 * * *', '24 23:45', { date: SUNDAY, time: '05:30' }),
  timed('sydney', 'Australia/Sydney', '0 8 * * *', '24 21:00', { date: SUNDAY, time: '08:15' }),
  timed('utc', 'UTC', '0 4 * * *', '25 04:00', { date: SUNDAY, time: '04:15' }),
  // 0:00, 1:00, 2:00, 2:00 again, 3:00 and 4:00.
  { name: 'hourly', schedule: '"0 0-4 * * *"', runs: each('24 22:00', '25 03:00', 60) },
  // Longer ones are times on the clock: 18:00, 0:00, 6:00, 12:00.
  {
    name: 'six_hours',
    schedule: 'every 6 h',
    expect: '{due: ["00:00", "06:00", "18:00"]}',
    files: ['24 15:50', '24 21:50', '25 04:50'].map((at) => ({ at, rows: 10, date: null })),
    slots: [
      { date: SATURDAY, time: '18:00', due: '24 16:00', state: 'arrived', arrivedAt: '24 16:00' },
      { date: SUNDAY, time: '00:00', due: '24 22:00', state: 'arrived', arrivedAt: '24 22:00' },
      { date: SUNDAY, time: '06:00', due: '25 05:00', state: 'arrived', arrivedAt: '25 05:00' },
    ],
    // What is due at a period and has never run is due at once.
    runs: [START, '24 16:00', '24 22:00', '25 05:00', '25 11:00'],
  },
  {
    name: 'harbour',
    schedule: 'every 15 min',
    expect: '"05:00"',
    files: [{ at: '25 05:00', rows: 30, date: SUNDAY }],
    slots: [{ date: SUNDAY, time: '05:00', due: '25 04:00', state: 'arrived', arrivedAt: '25 06:00' }],
    runs: [
      START,
      ...each('24 10:15', '24 18:00', 15),
      { at: NOBODY.to, due: '24 18:30' },
      ...each('24 18:45', '25 13:00', 15),
    ],
    failed: each('25 03:00', '25 05:45', 15),
  },
  // A Sunday is a business day there.
  {
    ...timed('dubai', 'Asia/Dubai', '0 8 * * *', '25 04:00', { date: SUNDAY, time: '08:15' }),
    schedule: '{cron: "0 8 * * *", calendar: gulf}',
    expect: '{due: ["08:15"], calendar: gulf}',
  },
  // Sunday is a holiday.
  {
    name: 'retail',
    schedule: '{cron: "0 9,20 * * *", calendar: retail}',
    expect: '{due: ["09:15", "20:15"], calendar: retail}',
    files: [{ at: '24 17:50', rows: 25, date: SATURDAY }],
    slots: [{ date: SATURDAY, time: '20:15', due: '24 18:15', state: 'arrived', arrivedAt: '24 18:00' }],
    runs: ['24 18:00'],
  },
  { name: 'weekdays', schedule: '{cron: "0 7 * * *", days: business}', expect: '{due: ["07:15"], days: [business]}' },
  // Due while nobody runs.
  { name: 'made_up', schedule: '"20,30 20 * * *"', runs: [{ at: NOBODY.to, due: '24 18:30' }] },
  { name: 'left_out', schedule: '{cron: "20 20 * * *", missed: skip}', runs: [] },
  {
    name: 'all_made_up',
    schedule: '{cron: "10,25 20 * * *", missed: all}',
    runs: [
      { at: NOBODY.to, due: '24 18:10' },
      { at: NOBODY.to, due: '24 18:25' },
    ],
  },
];

/** Of the pipeline `night`. */
const NIGHT: PlannedSource[] = [1, 2, 3, 4, 5].map((n) => ({
  name: `night_${n}`,
  expect: '"03:00"',
  files: [{ at: `24 2${n - 1}:00`.replace('24 24', '25 00'), rows: 20 + n, date: SUNDAY }],
  slots: [{ date: SUNDAY, time: '03:00', due: '25 02:00', state: 'arrived', arrivedAt: '25 00:45' }],
  runs: [],
}));

const FOLLOWERS: PlannedSource[] = [
  {
    name: 'report',
    schedule: '{on: [{event: run.succeeded, subject: night}]}',
    files: [{ at: '24 23:00', rows: 5, date: SUNDAY }],
    runs: ['25 00:45'],
    trigger: 'event',
  },
  {
    name: 'prices',
    schedule: '{on: [{event: table.changed, subject: main.six_hours}]}',
    runs: ['24 16:00', '24 22:00', '25 05:00'],
    trigger: 'event',
  },
  {
    name: 'chase',
    schedule: '{on: [{event: expectation.late, subject: main/store_3/files}]}',
    runs: ['24 17:30'],
    trigger: 'event',
  },
];

export const SOURCES: PlannedSource[] = [...STORES, ...BANKS, ...NIGHT, ...FOLLOWERS];
export const NIGHT_SOURCES = NIGHT.map((s) => s.name);
/** At 2:45, which comes twice. */
export const NIGHT_RUN = '25 00:45';
