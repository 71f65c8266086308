/** The configuration of the S3 connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as common from '../lib/fields.ts';

export const s3Spec = s.object(
  {
    bucket: s.text({ doc: 'Name of the bucket.', example: 'vendor-drop' }),
    prefix: s.text({ doc: 'Folder in the bucket that paths are relative to.', example: 'outgoing/', default: '' }),
    region: s.text({
      doc: "Region of the bucket; the environment's (AWS_REGION, profile) when not given.",
      example: 'eu-central-1',
      optional: true,
    }),
    endpoint: s.text({
      doc: 'URL of a server other than AWS that speaks S3.',
      example: 'https://s3.example.com:9000',
      optional: true,
    }),
    path_style: s.boolean({
      doc: 'Address the bucket in the path instead of in the host name, as most servers other than AWS want it.',
      example: true,
      default: false,
    }),
    access_key_id: s.text({
      doc: "Access key; without it the AWS default chain is asked: environment, profile, SSO, the machine's role.",
      example: '${secret:vendor_s3_key_id}',
      optional: true,
    }),
    secret_access_key: s.text({
      doc: 'Secret of the access key.',
      example: '${secret:vendor_s3_secret}',
      optional: true,
      secret: true,
    }),
    session_token: s.text({
      doc: 'Session token, for temporary credentials.',
      example: '${secret:vendor_s3_token}',
      optional: true,
      secret: true,
    }),
    ca_file: common.caFile,
    connections: common.parallel,
    timeout: common.timeout,
  },
  { doc: 'Reads objects from Amazon S3 or a server that speaks its protocol.' },
);
export type S3Config = Infer<typeof s3Spec>;

/** For messages. */
export function endpointOf(config: S3Config): string {
  return `s3://${config.bucket}${config.endpoint ? ` at ${config.endpoint}` : ''}`;
}
