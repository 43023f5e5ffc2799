import { createServer, type Server, type Socket } from 'node:net';
import { ioError } from '../../core/errors.js';

/** Listens at an address and port; `onSocket` takes what connects. @throws IoError `IO_FAILED` where the port is not free. */
export async function listenAt(
  target: { host: string; port: number } | { path: string },
  onSocket: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer({ noDelay: true }, onSocket);
  const name = 'path' in target ? target.path : `${target.host}:${target.port}`;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(ioError(error, name, 'listening at')));
    server.listen(target, resolve);
  });
  return server;
}
