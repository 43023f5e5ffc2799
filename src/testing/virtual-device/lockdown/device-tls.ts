import type { KeyObject } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import { hexEncode } from '../../../core/bytes.js';
import { DeviceError } from '../../../core/errors.js';
import type { PairedHost } from './pairing.js';

/**
 * Goes on in TLS as the server, as a device does. The host must show a certificate of its pair record: its own, or its root.
 *
 * @throws DeviceError `DEVICE_DISCONNECTED` where the host breaks off or shows another certificate.
 */
export async function startDeviceTls(stream: Duplex, key: KeyObject, host: PairedHost): Promise<TLSSocket> {
  const secureContext = createSecureContext({
    key: key.export({ type: 'pkcs8', format: 'pem' }),
    cert: host.deviceCertificate,
    // Hosts of old devices speak TLS 1.0, and older tools sign with SHA-1; OpenSSL has both only on its lowest level.
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  });
  const tls = new TLSSocket(stream, { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false });
  await new Promise<void>((resolve, reject) => {
    tls.once('secure', resolve);
    tls.once('error', (cause) => reject(refused(cause)));
    tls.once('close', () => reject(refused(undefined)));
  });
  const shown = tls.getPeerX509Certificate();
  if (shown === undefined || !host.certificates.has(hexEncode(shown.raw))) {
    tls.destroy();
    throw refused(undefined);
  }
  return tls;
}

function refused(cause: unknown): DeviceError {
  return new DeviceError('DEVICE_DISCONNECTED', 'The host and the device did not agree on TLS', { cause });
}
