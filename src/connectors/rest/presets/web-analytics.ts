/**
 * Web analytics, as Matomo's Reporting API answers: `index.php?module=API&method=…&format=json` gives an array. Reports are asked for day by
 * day and change for some days after; visits are a list by the time of their last action. `idSite` and the address of the server are settings of
 * the connector: `query: {idSite: "1"}`, `base`.
 */
import type { Preset, PresetEndpoint } from './preset.ts';

const offset = (size: number) =>
  ({
    type: 'offset',
    parameter: 'filter_offset',
    size_parameter: 'filter_limit',
    size,
    overlap: 0,
    stop: 'empty',
    end_statuses: [],
  }) as const satisfies PresetEndpoint['pagination'];

const report = (title: string, method: string, key: string[], query: Record<string, string> = {}): PresetEndpoint => ({
  title,
  path: '/index.php',
  query: { method, period: 'day', date: '{from}', ...query },
  records: '$',
  pagination: offset(1000),
  key: ['_date', ...key],
  incremental: {
    parameter: undefined,
    from: 'now',
    format: 'date',
    initial: '30 days',
    // Days are counted again while late visits come in.
    lookback: 3 * 86_400,
    until_parameter: undefined,
    window: 86_400,
  },
});

const FLAT = { flat: '1' };

export const matomo: Preset = {
  title: "Web analytics, as Matomo's Reporting API answers",
  documentation: 'https://developer.matomo.org/api-reference/reporting-api',
  base: undefined,
  headers: {},
  query: { module: 'API', format: 'json' },
  perSecond: undefined,
  endpoints: {
    pages: report('Pages by day', 'Actions.getPageUrls', ['label'], FLAT),
    referrers: report('Referrers by day', 'Referrers.getAll', ['label'], FLAT),
    countries: report('Countries by day', 'UserCountry.getCountry', ['label']),
    devices: report('Kinds of device by day', 'DevicesDetection.getType', ['label']),
    visits: {
      title: 'Visits with their actions',
      path: '/index.php',
      query: {
        method: 'Live.getLastVisitsDetails',
        period: 'range',
        date: 'last30',
        filter_sort_order: 'asc',
        minTimestamp: '{from}',
      },
      records: '$',
      pagination: { ...offset(500), overlap: 1 },
      key: ['idVisit'],
      incremental: {
        parameter: undefined,
        from: 'lastActionTimestamp',
        format: 'unix',
        initial: undefined,
        lookback: 3600,
        until_parameter: undefined,
        window: undefined,
      },
    },
  },
};
