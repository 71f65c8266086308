/** What a database does that captures changes: the feed of all datasets with `changes`. The contract is that of `ExtractSource`. */
import type {
  ExtractDataset,
  Extracted,
  ExtractRequest,
  ExtractSink,
  FeedLag,
  Position,
} from '../../../ports/extract.ts';
import type { SqlRead } from './read.ts';

export interface ChangeCapture {
  extract(request: ExtractRequest<SqlRead>, sink: ExtractSink): Promise<Extracted>;
  hasNew(datasets: readonly ExtractDataset<SqlRead>[], position: Position | undefined): Promise<boolean>;
  lag(datasets: readonly ExtractDataset<SqlRead>[], position: Position | undefined): Promise<FeedLag>;
  /** Gives up what it has kept at the server. */
  close?(): void;
}
