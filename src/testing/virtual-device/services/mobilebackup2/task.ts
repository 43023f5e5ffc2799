import { utf8Encode } from '../../../../core/bytes.js';
import { DeviceError } from '../../../../core/errors.js';
import type { BackupResponse, ParsedRequest } from '../../../../backup/mobilebackup2.js';
import type { DeviceMessage } from '../../../../backup/device-link/messages.js';
import { statusCode } from '../../../../backup/device-link/wire.js';
import type { ServiceConnection } from '../../types.js';
import type { Agent } from './agent-types.js';
import type { DeviceLink, HostStatus, OutgoingFile } from './device-link.js';
import { BackupFailure, backupFailure } from './failure.js';
import type { BackupDisturbance, BackupPhase, BackupRun, HostileFile } from './types.js';

/** Items in one message that moves or removes. */
const itemsPerMessage = 1000;

/** What a request came to that did not fail. */
export interface CommandResult {
  /** What the response has beside the error code. */
  readonly content?: string | undefined;
  /** Whether the device restarts when the host has its response. */
  readonly restarts?: boolean | undefined;
  /** Whether the link ends without a response. */
  readonly isSilent?: boolean | undefined;
}

/** One request of a host while it is carried out. */
export class BackupTask {
  readonly agent: Agent;
  readonly link: DeviceLink;
  readonly request: ParsedRequest;
  /** What it came to so far. */
  readonly tally = { isFull: false, uploadedFiles: 0, uploadedBytes: 0, moved: 0, removed: 0, downloadedFiles: 0 };
  readonly #connection: ServiceConnection;
  #cancelled = false;

  constructor(agent: Agent, connection: ServiceConnection, link: DeviceLink, request: ParsedRequest) {
    this.agent = agent;
    this.link = link;
    this.request = request;
    this.#connection = connection;
  }

  /** Aborts when the host is gone. */
  get signal(): AbortSignal {
    return this.#connection.signal;
  }

  /** The folder on the host: the UDID of the device that was backed up. */
  get folder(): string {
    return this.request.source ?? this.request.target ?? this.agent.device.udid;
  }

  /** Lets the request end with 202 at the next phase. */
  cancel(): void {
    this.#cancelled = true;
  }

  /** Does what the fault script says for a phase. */
  async reach(phase: BackupPhase): Promise<void> {
    if (this.#cancelled && phase !== 'respond') throw backupFailure('cancelled', 'The owner has cancelled');
    for (const disturbance of this.agent.faults.take(phase)) await this.#disturb(disturbance);
  }

  /** Sends a message that must succeed. */
  async demand(message: DeviceMessage, what: string): Promise<void> {
    requireOk(await this.link.call(message), what);
  }

  /** Sends a batch that must succeed. */
  async upload(files: AsyncIterable<OutgoingFile> | Iterable<OutgoingFile>, bytes: number): Promise<void> {
    requireOk(await this.link.upload(files, bytes), 'sending files');
  }

  /** Makes a folder on the host. */
  async makeDirectory(path: string): Promise<void> {
    await this.demand({ type: 'DLMessageCreateDirectory', path }, `creating ${path}`);
  }

  /** Moves items on the host, in messages of a bounded size. */
  async move(moves: readonly (readonly [from: string, to: string])[]): Promise<void> {
    for (let at = 0; at < moves.length; at += itemsPerMessage) {
      const part = moves.slice(at, at + itemsPerMessage);
      await this.demand({ type: 'DLMessageMoveItems', moves: part, progress: this.link.progress }, 'moving items');
      this.tally.moved += part.length;
    }
  }

  /** Removes items on the host, in messages of a bounded size. */
  async remove(paths: readonly string[]): Promise<void> {
    for (let at = 0; at < paths.length; at += itemsPerMessage) {
      const part = paths.slice(at, at + itemsPerMessage);
      await this.demand({ type: 'DLMessageRemoveItems', paths: part, progress: this.link.progress }, 'removing items');
      this.tally.removed += part.length;
    }
  }

  /** What it came to. */
  report(response: BackupResponse | undefined): BackupRun {
    return {
      request: this.request.name,
      errorCode: response?.errorCode,
      text: response?.errorDescription,
      ...this.tally,
      longestBlock: this.link.longestBlock,
    };
  }

  async #disturb(disturbance: BackupDisturbance): Promise<void> {
    if ('respond' in disturbance) {
      const { code, text = `The fault script says so (MBErrorDomain/${code})` } = disturbance.respond;
      throw new BackupFailure(code, text);
    }
    if ('send' in disturbance) {
      await this.link.sendValue(disturbance.send);
      if (disturbance.awaitStatus !== false) await this.link.receiveStatus();
    } else if ('upload' in disturbance) {
      const files = disturbance.upload.map(hostileFile);
      await this.link.upload(files, 0);
    } else if ('bytes' in disturbance) {
      await this.#connection.sendMessage(disturbance.bytes);
    } else {
      await this.#breakOff(disturbance);
      throw new DeviceError('DEVICE_DISCONNECTED', 'The fault script has ended the session');
    }
  }

  async #breakOff(
    disturbance: Extract<BackupDisturbance, { disconnect: string } | { pullCable: true } | { silent: true }>,
  ) {
    if ('disconnect' in disturbance) {
      await this.link.send({ type: 'DLMessageDisconnect', reason: disturbance.disconnect });
    } else if ('pullCable' in disturbance) {
      // It waits for this connection to end, so it cannot be waited for here.
      this.agent.runAside(this.agent.device.detach());
    } else if (!this.signal.aborted) {
      await new Promise((resolve) => this.signal.addEventListener('abort', resolve, { once: true }));
    }
  }
}

function hostileFile({ path, content = '', end }: HostileFile): OutgoingFile {
  const bytes = typeof content === 'string' ? utf8Encode(content) : content;
  return { devicePath: '/.ba/hostile', hostPath: path, content: [bytes], end: () => end };
}

function requireOk({ code, text }: HostStatus, what: string): void {
  if (code === statusCode.ok) return;
  const kind = code === statusCode.noSpace ? 'noSpace' : 'transferFailed';
  throw backupFailure(kind, `The host failed at ${what}: ${text ?? 'without a reason'} (${code})`);
}
