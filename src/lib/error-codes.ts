/**
 * Every error code, with what it means. Codes are stable: scripts and retry rules depend on them.
 * One section a room; `area.what_is_wrong`.
 */
export const ERROR_CODES = {
  internal: 'A defect in Granary: please report it with the log.',
  // project
  'config.invalid': 'The project has errors; each is listed with file, line and column.',
  'config.not_found': 'No granary.yaml in this folder or above it.',
  'config.machine':
    'A pipeline compiles to a state machine that would not run everywhere; each finding is listed with its place.',
  // state and stores
  'store.not_found': 'An object is not in the object store.',
  'store.exists': 'An object with this key exists already and objects are immutable.',
  'store.disk_full': 'The disk is full.',
  'store.io': 'The object store could not be read or written.',
  'store.bad_key': 'An object key is malformed, or is both an object and a folder of objects.',
  'store.upload_open': 'An upload of this name is in progress.',
  'state.conflict': 'A document changed since it was read.',
  'state.invalid': 'A document or transaction breaks the rules of the state store.',
  'state.io': 'The state store could not be read or written.',
  'state.corrupt': 'The state store is damaged or is not a state store.',
  'state.newer': 'The state store was written by a newer version of Granary.',
  'owner.busy': 'Another granary process owns this data directory.',
  // secrets
  'secrets.no_key': 'The secrets file is encrypted and no key is given.',
  'secrets.wrong_key': 'The key does not open the secrets file, or the file is damaged.',
  'secrets.invalid': 'The secrets file, or a name or value for it, is malformed.',
  'secrets.key_exposed': 'Other users of the machine can read the key file.',
  'secrets.io': 'The secrets file or the key file could not be read or written.',
  // connectors
  'connector.auth_failed': 'The server refused the credentials.',
  'connector.host_key_mismatch': 'The server shows another host key than the one pinned.',
  'connector.host_key_unknown': 'No host key is pinned for the server of a source.',
  'connector.unreachable': 'The server could not be reached.',
  'connector.lost': 'The connection broke while in use.',
  'connector.not_found': 'A path does not exist on the source.',
  'connector.denied': 'The source refused access to a path.',
  'connector.changed': 'A file changed on the source while it was being transferred.',
  'extract.stale': 'An extraction cannot go on where it broke off; it begins anew.',
  'connector.protocol': 'The server answered in a way the protocol does not allow.',
  'connector.tls': 'The TLS handshake or certificate check failed.',
  'connector.unavailable': 'The server is there but cannot serve the request now.',
  'connector.unsupported': 'The server is not set up for what is asked of it, or cannot do it.',
  'connector.exists': 'A file to be moved would overwrite another on the source.',
  'connector.not_installed': 'The optional package that this connector needs is not installed.',
  'connector.failed': 'A connector that the project brings itself failed.',
  'transform.failed': 'The code of a transform is wrong, whatever the row is.',
  // codecs
  'codec.corrupt': 'Compressed, archived or encrypted data is damaged.',
  'codec.truncated': 'Compressed, archived or encrypted data ends too early.',
  'codec.bomb': 'Data unpacks to far more than its limits allow.',
  'codec.unsafe_path': 'An archive entry would escape its folder.',
  'codec.no_key': 'No configured key or passphrase decrypts this message.',
  'codec.bad_key': 'A configured key is damaged, of an unknown kind, or cannot be read.',
  'codec.bad_passphrase': 'The passphrase is wrong.',
  'codec.bad_signature': 'The signature is missing, wrong, or by an unknown key.',
  'codec.unsupported': 'A feature of this container or cipher is not supported.',
  // formats
  'format.invalid': 'A file is not of the declared format.',
  'format.line_too_long': 'A line is longer than the limit.',
  'format.too_many_columns': 'A file has more columns than the limit.',
  'format.encoding': 'Bytes that are not valid in the declared encoding.',
  'format.empty': 'A file has no content.',
  // stages
  'verify.failed': 'An object failed verification and is in quarantine.',
  'verify.blocked': 'An object has the bytes of another one, whose end decides what becomes of it.',
  'curate.failed': 'The engine could not process an object.',
  'books.imbalance': 'Rows received do not equal loaded + filtered + deduplicated + rejected.',
  'load.failed': 'The warehouse could not take the rows.',
  'stage.bad_input': 'A stage was called with an input that names nothing it knows.',
  // runtime
  'worker.crashed': 'A worker process died.',
  'worker.timeout': 'A worker process ran longer than its limit and was stopped.',
  'worker.out_of_memory': 'A worker process had more memory than its limit and was stopped.',
  cancelled: 'Stopped by request.',
  // orchestration
  'run.conflict': 'A run of this name exists with another input.',
  'run.not_found': 'There is no such run or pipeline.',
  'run.not_redrivable': 'Only a run that failed or was stopped can be continued.',
  'run.failed': 'A run ended without success.',
  // warehouse and queries
  'query.failed': 'A query is wrong or could not be run.',
  'query.incomplete': 'A streamed result stopped before its end.',
  // notifications
  'notify.unreachable': 'A mail server or webhook could not be reached, or the connection broke.',
  'notify.unavailable': 'A mail server or webhook asks for a later try.',
  'notify.refused': 'A mail server or webhook refused a message for good.',
  'notify.auth_failed': 'A mail server or webhook refused the credentials.',
  'notify.tls': 'The encryption of a mail server or webhook could not be agreed on, or its certificate is not trusted.',
  // HTTP API
  'api.invalid': 'A request is not as the description of the API says.',
  'api.unauthorized': 'A request has no token, or one that is not valid.',
  'api.forbidden': 'The token of a request does not allow what it asks for.',
  'api.not_found': 'There is nothing under this path or name.',
  'api.method': 'The path exists, with another method.',
  'api.too_large': 'The body of a request is too large.',
  'api.media_type': 'The body of a request is not JSON.',
  'api.host': 'A request names a host that this server is not.',
  'api.listen': 'The API cannot listen where it is told to.',
  'api.unreachable': 'The owner of the data directory could not be reached, or the connection to it broke.',
  // torture
  'torture.refused': 'Torture would change something outside its own folder.',
  'torture.failed': 'A run under torture could not be carried out.',
  // faces
  'cli.usage': 'The command line is not understood.',
  'cli.file': 'A file that a command names could not be read or written.',
  'discover.failed': 'No dataset could be proposed for a source.',
} as const;
