import type { PlistInput } from '../../../plist/types.js';
import type { Attachment, MuxDevice } from './attachment.js';

/** What a client that listens is told. */
export type MuxEvent = { readonly MessageType: 'Attached' | 'Detached' | 'Paired'; readonly DeviceID: number } & {
  readonly [key: string]: PlistInput;
};

/** The devices that are attached, by `DeviceID`. */
export class Attachments {
  readonly #entries = new Map<number, Attachment>();
  readonly #publish: (event: MuxEvent) => void;
  #nextId = 1;

  /** `publish` hears of every change. */
  constructor(publish: (event: MuxEvent) => void) {
    this.#publish = publish;
  }

  get(deviceId: number): Attachment | undefined {
    return this.#entries.get(deviceId);
  }

  /** What a client that asks now is told. */
  list(): MuxEvent[] {
    return [...this.#entries].map(([id, entry]) => attached(id, entry));
  }

  attach(attachments: readonly Attachment[]): void {
    for (const attachment of attachments) {
      const id = this.#nextId;
      this.#nextId += 1;
      this.#entries.set(id, attachment);
      this.#publish(attached(id, attachment));
    }
  }

  detach(device: MuxDevice): void {
    for (const [id, entry] of this.#entries) {
      if (entry.device !== device) continue;
      this.#entries.delete(id);
      this.#publish({ MessageType: 'Detached', DeviceID: id });
    }
  }

  /** Tells that a pair record of a device was saved. */
  paired(udid: string): void {
    for (const [id, { device }] of this.#entries)
      if (device.udid === udid) this.#publish({ MessageType: 'Paired', DeviceID: id });
  }
}

function attached(id: number, { properties }: Attachment): MuxEvent {
  return { MessageType: 'Attached', DeviceID: id, Properties: { ...properties, DeviceID: id } };
}
