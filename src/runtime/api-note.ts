/** Where the API of an owner is found: what its server writes into the data directory, and its clients read. */
import { join } from 'node:path';

export interface ApiNote {
  version: string;
  /** Path of the socket. */
  socket?: string;
  /** `http://127.0.0.1:4180`. */
  tcp?: string;
}

export function apiPaths(dataDir: string): { socket: string; note: string; token: string } {
  return {
    socket: join(dataDir, 'api.sock'),
    note: join(dataDir, 'owner.api.json'),
    token: join(dataDir, 'owner.token'),
  };
}
