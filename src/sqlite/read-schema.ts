/**
 * Makes SQLite read the header and the schema, which it otherwise does at the first query. Where an object of the schema
 * makes no sense to it, SQLite reads nothing at all, unless it is told that the schema may be written.
 */
export function readSchema(run: (sql: string) => unknown): void {
  const read = 'SELECT 1 FROM sqlite_master LIMIT 1';
  try {
    run(read);
  } catch (error) {
    try {
      run(`PRAGMA writable_schema = 1; ${read}`);
    } catch {
      throw error;
    }
  }
}
