import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { abortable } from '../core/abort.js';
import { hexEncode } from '../core/bytes.js';
import { DeviceError } from '../core/errors.js';
import type { DeviceTlsOptions } from './transport.js';

/** What a connection is, for errors. */
export interface Peer {
  /** Name of the service, e.g. `com.apple.afc`. */
  readonly service: string;
  /** UDID of the device, where it is known. */
  readonly udid?: string | undefined;
}

/**
 * Goes on in TLS as the client. Devices have certificates that only their host has signed, so a chain proves nothing: what
 * counts is that the device has the private key of the public key that it had when it was paired.
 *
 * FORMAT facts: docs/format/lockdown.md.
 */
export async function startClientTls(
  stream: Duplex,
  { tls, signal, peer }: { tls: DeviceTlsOptions; signal: AbortSignal | undefined; peer: Peer },
): Promise<TLSSocket> {
  signal?.throwIfAborted();
  const { options, expected } = connectionOptions(tls, peer);
  const socket = connect({ ...options, socket: stream, rejectUnauthorized: false });
  const secured = new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', (cause) => reject(handshakeError(cause, peer)));
    socket.once('close', () => reject(handshakeError(undefined, peer)));
  });
  try {
    await abortable(secured, signal);
    if (socket.getPeerX509Certificate()?.publicKey.equals(expected) !== true)
      throw new DeviceError(
        'DEVICE_IDENTITY_MISMATCH',
        'What answers does not have the key of the device that was paired; if it is the right device, forget it and pair again',
        peer,
      );
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  }
  return socket;
}

/** How to connect, and the public key that the device must have. */
function connectionOptions(tls: DeviceTlsOptions, peer: Peer): { options: ConnectionOptions; expected: KeyObject } {
  try {
    const certificate = new X509Certificate(tls.certificate);
    if (!certificate.checkPrivateKey(createPrivateKey(tls.privateKey)))
      throw new Error('The key is of another certificate');
    const isWeak = tls.isLegacy === true || isSignedWithSha1(certificate);
    const options: ConnectionOptions = {
      cert: tls.certificate,
      key: tls.privateKey,
      ...(tls.isLegacy === true ? { minVersion: 'TLSv1', maxVersion: 'TLSv1' } : { minVersion: 'TLSv1.2' }),
      // OpenSSL has TLS 1.0, and takes certificates that older tools signed with SHA-1, only on its lowest level.
      ...(isWeak && { ciphers: 'DEFAULT:@SECLEVEL=0' }),
    };
    return { options, expected: new X509Certificate(tls.deviceCertificate).publicKey };
  } catch (cause) {
    throw new DeviceError(
      'DEVICE_PAIR_RECORD_INVALID',
      'The pair record has certificates or keys that cannot be used; forget it and pair again',
      { ...peer, cause },
    );
  }
}

/** Object identifier 1.2.840.113549.1.1.5, sha1WithRSAEncryption, in DER (RFC 8017, appendix C). */
const sha1WithRsa = '2a864886f70d010105';

function isSignedWithSha1(certificate: X509Certificate): boolean {
  return hexEncode(certificate.raw).includes(sha1WithRsa);
}

function handshakeError(cause: Error | undefined, peer: Peer): DeviceError {
  const code = cause !== undefined && 'code' in cause ? String(cause.code) : '';
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return new DeviceError(
      'DEVICE_NOT_PAIRED',
      'The device and this host do not agree on TLS: most likely the device has forgotten this host; pair again',
      { ...peer, cause },
    );
  return new DeviceError(
    'DEVICE_DISCONNECTED',
    `The connection to ${peer.service} ended while TLS began; connect again`,
    {
      ...peer,
      cause,
    },
  );
}
