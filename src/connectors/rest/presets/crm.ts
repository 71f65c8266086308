/**
 * Customers and deals, as HubSpot's API answers: `{"total":…,"results":[{"id","properties":{…},"updatedAt"}],"paging":{"next":{"after":…}}}`.
 * Lists have no filter by time, so what changed is found by a search, sorted by the time of the change. A search gives 10,000 records at most:
 * it is made in windows.
 */
import type { Preset, PresetEndpoint } from './preset.ts';

/** Every list and search is paged in the same way. */
const AFTER: PresetEndpoint['pagination'] = {
  type: 'cursor',
  parameter: 'after',
  next: 'paging.next.after',
  next_header: undefined,
  last: undefined,
  more: undefined,
  size_parameter: 'limit',
  size: 100,
};

const search = (title: string, object: string, changed: string, properties: string[]): PresetEndpoint => ({
  title,
  path: `/crm/v3/objects/${object}/search`,
  method: 'POST',
  body: {
    filterGroups: [
      {
        filters: [
          { propertyName: changed, operator: 'GTE', value: '{from}' },
          { propertyName: changed, operator: 'LT', value: '{until}' },
        ],
      },
    ],
    sorts: [{ propertyName: changed, direction: 'ASCENDING' }],
    properties,
  },
  records: 'results',
  pagination: AFTER,
  total: 'total',
  key: ['id'],
  incremental: {
    parameter: undefined,
    from: 'updatedAt',
    format: 'unix_ms',
    initial: '2020-01-01',
    // The index of the search is behind by some seconds, now and then by minutes.
    lookback: 900,
    until_parameter: undefined,
    window: 30 * 86_400,
  },
});

const owners: PresetEndpoint = {
  title: 'Users that own records',
  path: '/crm/v3/owners',
  records: 'results',
  pagination: AFTER,
  key: ['id'],
};

export const hubspot: Preset = {
  title: 'CRM, as HubSpot answers',
  documentation: 'https://developers.hubspot.com/docs/api/crm/search',
  base: 'https://api.hubapi.com',
  headers: {},
  query: {},
  perSecond: 4,
  endpoints: {
    contacts: search('Contacts', 'contacts', 'lastmodifieddate', [
      'email',
      'firstname',
      'lastname',
      'company',
      'lifecyclestage',
      'createdate',
      'lastmodifieddate',
    ]),
    companies: search('Companies', 'companies', 'hs_lastmodifieddate', [
      'name',
      'domain',
      'industry',
      'country',
      'createdate',
      'hs_lastmodifieddate',
    ]),
    deals: search('Deals', 'deals', 'hs_lastmodifieddate', [
      'dealname',
      'dealstage',
      'pipeline',
      'amount',
      'closedate',
      'createdate',
      'hs_lastmodifieddate',
    ]),
    tickets: search('Tickets', 'tickets', 'hs_lastmodifieddate', [
      'subject',
      'hs_pipeline',
      'hs_pipeline_stage',
      'createdate',
      'hs_lastmodifieddate',
    ]),
    owners,
  },
};
