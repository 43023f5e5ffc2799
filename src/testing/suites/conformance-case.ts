/** One requirement of a conformance suite. Any test framework can run it, or none: it rejects where the requirement is not met. */
export interface ConformanceCase {
  /** The requirement as a sentence. */
  readonly title: string;
  /** Checks it. */
  readonly run: () => Promise<void>;
}
