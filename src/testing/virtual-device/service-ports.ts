import type { Server, Socket } from 'node:net';
import { isBackupKitError } from '../../core/errors.js';
import type { ServiceStart } from './lockdown/lockdown-server.js';
import { listenAt } from './network-listener.js';

const firstPort = 49_152;
const lastPort = 65_535;
/** Services that were started and not connected to; beyond that the oldest is given up. */
const mostWaiting = 256;

interface Waiting {
  readonly start: ServiceStart;
  readonly server: Server | undefined;
}

/** Ports of services that a host has asked for and not connected to yet. Each port takes one connection. */
export class ServicePorts {
  readonly #waiting = new Map<number, Waiting>();
  readonly #onSocket: (start: ServiceStart, socket: Socket) => void;
  #next = firstPort;

  /** `onSocket` serves what connects over the network. */
  constructor(onSocket: (start: ServiceStart, socket: Socket) => void) {
    this.#onSocket = onSocket;
  }

  /** A port for a service; on the network too where the device has an address, and then bound when this settles. */
  async open(start: ServiceStart, address: string | undefined): Promise<number> {
    const { port, server } = await this.#bind(address);
    this.#waiting.set(port, { start, server });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > mostWaiting && oldest !== undefined) this.take(oldest);
    return port;
  }

  /** What waits at a port, and no longer does. */
  take(port: number): ServiceStart | undefined {
    const waiting = this.#waiting.get(port);
    this.#waiting.delete(port);
    waiting?.server?.close();
    return waiting?.start;
  }

  /** Gives up all ports. */
  clear(): void {
    for (const port of this.#waiting.keys()) this.take(port);
  }

  async #bind(address: string | undefined): Promise<{ port: number; server: Server | undefined }> {
    for (let tries = 1; ; tries += 1) {
      const port = this.#next;
      this.#next = port === lastPort ? firstPort : port + 1;
      if (this.#waiting.has(port)) continue;
      if (address === undefined) return { port, server: undefined };
      try {
        const server = await listenAt({ host: address, port }, (socket) => {
          const start = this.take(port);
          if (start === undefined) socket.destroy();
          else this.#onSocket(start, socket);
        });
        return { port, server };
      } catch (error) {
        // Another program may have the port.
        if (tries === mostWaiting || !isBackupKitError(error)) throw error;
      }
    }
  }
}
