/** Where usbmuxd listens: a unix socket, or a TCP port. */
export type MuxAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** Port of usbmuxd where it has no unix socket: Apple's service on Windows. */
const defaultPort = 27_015;

function hostAndPort(text: string): MuxAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:/\\[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/**
 * Reads an address of usbmuxd as any of its known clients spells it: `host:port`, `[v6]:port`, `tcp://host:port`,
 * `UNIX:/path`, `unix:/path`, `unix:///path`, or a path.
 *
 * @throws RangeError where it is none of these
 */
export function parseMuxAddress(text: string): MuxAddress {
  const unix = /^unix:(?:\/\/)?(.+)$/i.exec(text)?.[1];
  if (unix !== undefined) return { path: unix };
  const address = hostAndPort(text.replace(/^tcp:(?:\/\/)?/i, ''));
  if (address !== undefined) return address;
  if (/^[a-z]+:\/\//i.test(text) || /:\d+$/.test(text) || !/[/\\]/.test(text))
    throw new RangeError(
      `${JSON.stringify(text)} is no address of usbmuxd; write 127.0.0.1:${defaultPort} or UNIX:/var/run/usbmuxd`,
    );
  return { path: text };
}

/**
 * The address to use: `given`, else the environment variable USBMUXD_SOCKET_ADDRESS, else the system's default.
 *
 * @throws RangeError as {@link parseMuxAddress}
 */
export function muxAddress(
  given: string | undefined,
  { env, platform }: { env: NodeJS.ProcessEnv; platform: NodeJS.Platform } = process,
): MuxAddress {
  const text = given ?? env['USBMUXD_SOCKET_ADDRESS'];
  if (text !== undefined && text !== '') return parseMuxAddress(text);
  if (platform === 'win32' || platform === 'cygwin') return { host: '127.0.0.1', port: defaultPort };
  return { path: '/var/run/usbmuxd' };
}

/** An address as USBMUXD_SOCKET_ADDRESS has it. */
export function formatMuxAddress(address: MuxAddress): string {
  if ('path' in address) return `UNIX:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
