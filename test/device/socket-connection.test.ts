import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls, TLSSocket, type TlsOptions } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSocket } from '../../src/device/usbmux/mux-connection.js';
import { connectionOverStream, Device, usbmuxTransport, type DeviceTlsOptions } from '../../src/entry/device.js';
import { createVirtualDevice } from '../../src/entry/testing.js';
import { pairingCertificates, type Credentials } from '../support/certificates.js';
import { codeOf, serve } from './support.js';

const reason = new Error('enough');
const peer = { service: 'com.example.service', udid: 'f'.repeat(40) };

interface DeviceSide {
  tls: DeviceTlsOptions;
  server: TlsOptions;
}

/** What a host and a device have after pairing. */
function paired(): DeviceSide & { certificates: ReturnType<typeof pairingCertificates> } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const certificates = pairingCertificates(Buffer.from(publicKey.export({ type: 'pkcs1', format: 'pem' })));
  const { host, device } = certificates;
  return {
    certificates,
    tls: { certificate: host.certificate, privateKey: host.key, deviceCertificate: device },
    server: { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: device },
  };
}

let one: ReturnType<typeof paired>;
beforeAll(() => {
  one = paired();
});

async function connected(onSocket: (socket: Socket) => void) {
  const server = await serve(onSocket);
  const socket = await openSocket({ host: '127.0.0.1', port: server.port });
  const connection = connectionOverStream(socket, peer);
  return {
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A server that goes on in TLS and says hello. */
const secure =
  (options: TlsOptions) =>
  (socket: Socket): void => {
    const tls = new TLSSocket(socket, { isServer: true, requestCert: true, rejectUnauthorized: false, ...options });
    tls.on('error', () => undefined);
    tls.once('secure', () => tls.write('hello'));
  };

describe('A connection to a service', () => {
  test('reads exactly what is asked for, across and within pieces', async () => {
    await using at = await connected((socket) => {
      socket.write('abc');
      setImmediate(() => socket.end('defgh'));
    });
    const text = async (bytes: Promise<Uint8Array | undefined>): Promise<string> =>
      String(Buffer.from((await bytes) ?? []));
    const { connection } = at;
    expect(await text(connection.readExactly(2))).toBe('ab');
    expect(await text(connection.readExactly(3))).toBe('cde');
    expect(await text(connection.readSome(2))).toBe('fg');
    expect(await text(connection.readExactlyOrEnd(1))).toBe('h');
    expect(await connection.readExactlyOrEnd(1)).toBeUndefined();
    expect(await connection.readSome(1)).toBeUndefined();
    await expect(connection.readExactly(1)).rejects.toMatchObject({ code: 'DEVICE_DISCONNECTED', ...peer });
  });

  test('takes nothing out of the stream by a read that is aborted', async () => {
    let send: ((text: string) => void) | undefined;
    await using at = await connected((socket) => {
      send = (text) => void socket.write(text);
      socket.write('first');
    });
    const { connection } = at;
    const controller = new AbortController();
    const reading = connection.readExactly(10, controller);
    setImmediate(() => controller.abort(reason));
    await expect(reading).rejects.toBe(reason);
    await expect(connection.readSome(1, controller)).rejects.toBe(reason);
    send?.('later');
    expect(String(Buffer.from(await connection.readExactly(10)))).toBe('firstlater');
  });

  test('holds writers back while the other side does not read', async () => {
    let drain: (() => Promise<number>) | undefined;
    await using at = await connected((socket) => {
      drain = async () => {
        let received = 0;
        for await (const chunk of socket) received += (chunk as Uint8Array).length;
        return received;
      };
    });
    const { connection } = at;
    const piece = new Uint8Array(1024 * 1024);
    const controller = new AbortController();
    let written = 0;
    const writing = (async () => {
      for (; ; written += 1) await connection.write(piece, controller);
    })();
    for (let turns = 0; turns < 500; turns += 1) await turn();
    // Buffers of both sockets and one piece.
    expect(written).toBeLessThan(20);
    controller.abort(reason);
    await expect(writing).rejects.toBe(reason);
    const received = drain?.();
    await connection.write(piece);
    await connection.close();
    // The piece whose wait was aborted is sent as well.
    expect(await received).toBe((written + 2) * piece.length);
  });

  test('is closed although the other side neither reads nor ends', async () => {
    await using at = await connected((socket) => socket.pause());
    const { connection } = at;
    const writing = codeOf(connection.write(new Uint8Array(32 * 1024 * 1024)));
    const reading = codeOf(connection.readSome(1));
    await connection.close();
    await connection.close();
    expect(await writing).toBe('DEVICE_CLOSED');
    expect(await reading).toBe('DEVICE_CLOSED');
    expect(await codeOf(connection.write(Uint8Array.of(1)))).toBe('DEVICE_CLOSED');
  });
});

describe('TLS towards a device', () => {
  test('begins with the key that the device had when it was paired', async () => {
    await using at = await connected(secure(one.server));
    await at.connection.startTls(one.tls);
    expect(await at.connection.readExactly(5)).toEqual(new TextEncoder().encode('hello'));
  });

  test('does not begin with another key, whoever has signed it', async () => {
    const other = paired();
    await using at = await connected(secure(other.server));
    await expect(at.connection.startTls(one.tls)).rejects.toMatchObject({ code: 'DEVICE_IDENTITY_MISMATCH', ...peer });
    expect(await codeOf(at.connection.readExactly(5))).toMatch(/^DEVICE_/);
  });

  test('changes nothing for other connections of the process', async () => {
    await using at = await connected(secure(one.server));
    await at.connection.startTls(one.tls);
    await using server = await serve(secure(one.server));
    const usual = connectTls({ host: '127.0.0.1', port: server.port });
    const [error] = (await once(usual, 'error')) as [Error & { code: string }];
    expect(error.code).toMatch(/CERT|SIGNATURE/);
  });

  test('is reported where the other side speaks something else or nothing', async () => {
    await using other = await connected((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await codeOf(other.connection.startTls(one.tls))).toBe('DEVICE_NOT_PAIRED');
    await using gone = await connected((socket) => socket.end());
    expect(await codeOf(gone.connection.startTls(one.tls))).toBe('DEVICE_DISCONNECTED');
    await using silent = await connected(() => undefined);
    const controller = new AbortController();
    setImmediate(() => controller.abort(reason));
    await expect(silent.connection.startTls(one.tls, controller)).rejects.toBe(reason);
  });

  test('is reported where certificates and keys of this host cannot be used', async () => {
    const { root } = one.certificates;
    for (const wrong of [
      { privateKey: root.key },
      { privateKey: 'x' },
      { certificate: 'x' },
      { deviceCertificate: 'x' },
    ]) {
      await using at = await connected(secure(one.server));
      expect(await codeOf(at.connection.startTls({ ...one.tls, ...wrong }))).toBe('DEVICE_PAIR_RECORD_INVALID');
    }
  });

  test('takes an end without a farewell for an end', async () => {
    await using at = await connected((socket) => {
      const tls = new TLSSocket(socket, { isServer: true, ...one.server });
      tls.on('error', () => undefined);
      tls.once('secure', () => tls.write('bye', () => socket.destroySoon()));
    });
    await at.connection.startTls(one.tls);
    expect(await at.connection.readExactly(3)).toEqual(new TextEncoder().encode('bye'));
    expect(await at.connection.readExactlyOrEnd(1)).toBeUndefined();
  });

  test('speaks TLS 1.0 with devices that know nothing newer, and only with those', async () => {
    const old: TlsOptions = { ...one.server, minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' };
    await using at = await connected(secure(old));
    await at.connection.startTls({ ...one.tls, isLegacy: true });
    expect(await at.connection.readExactly(5)).toEqual(new TextEncoder().encode('hello'));
    await using strict = await connected(secure(old));
    expect(await codeOf(strict.connection.startTls(one.tls))).toBe('DEVICE_NOT_PAIRED');
  });

  test('reaches iOS 9 and iOS 6', async () => {
    for (const ios of ['9.3.5', '6.1.3']) {
      await using phone = await createVirtualDevice({ ios, seed: ios });
      await using device = await Device.connect(undefined, { transport: usbmuxTransport(phone), pair: true });
      await using afc = await device.openAfc();
      expect(await afc.readdir('/')).toEqual([]);
      expect(device.info.productVersion).toBe(ios);
    }
  });

  test('shows certificates that were signed with SHA-1', async () => {
    const host = sha1Certificate();
    await using at = await connected(secure({ ...one.server, ciphers: 'DEFAULT:@SECLEVEL=0' }));
    await at.connection.startTls({ ...one.tls, certificate: host.certificate, privateKey: host.key });
    expect(await at.connection.readExactly(5)).toEqual(new TextEncoder().encode('hello'));
  });
});

/** As libimobiledevice 1.3 makes them. */
function sha1Certificate(): Credentials {
  const folder = mkdtempSync(join(tmpdir(), 'sha1-'));
  try {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-sha1', '-days', '10', '-subj', '/CN=x'];
    execFileSync('openssl', [...args, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
