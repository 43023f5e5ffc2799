/**
 * iPhones and iPads that are attached: by a cable or the network, through usbmuxd.
 *
 * - A **transport** reaches devices. The default speaks to usbmuxd, which Linux, macOS and Windows have for that.
 * - A **pair record** is what a host keeps after the owner has tapped Trust: keys, certificates, names.
 * - A {@link Device} is one that trusts this host. It starts **services**, each a connection of its own: files (AFC), apps,
 *   notifications, backups (`ios-backup-kit/backup`).
 *
 * @packageDocumentation
 */
export type {
  AttachedDevice,
  ConnectionType,
  DeviceEvent,
  DeviceTlsOptions,
  DeviceTransport,
  ServiceConnection,
} from '../device/transport.js';
export { listDevices, watchDevices, type DeviceChoice, type TransportOptions } from '../device/attached-devices.js';
export { Device, type ConnectDeviceOptions, type ValueOptions } from '../device/device.js';
export type { BatteryInfo, DeviceInfo, DiskUsage } from '../device/device-info.js';
export {
  exportPairRecord,
  forgetDevice,
  importPairRecord,
  pairDevice,
  unpairDevice,
  validatePair,
} from '../device/pair-device.js';
export type { PairingEvent, PairOptions } from '../device/lockdown/pairing.js';
export { usbmuxTransport, type UsbmuxTransportOptions } from '../device/usbmux/usbmux-transport.js';
export { appiumTransport, type AppiumTransportOptions } from '../device/appium/appium-transport.js';
export type { AppiumIosDevice, AppiumUsbmux } from '../device/appium/load-appium.js';
export type { Peer } from '../device/client-tls.js';
export { connectionOverStream } from '../device/socket-connection.js';
export { PlistChannel, type PlistChannelOptions } from '../device/plist-channel.js';
export { AfcClient, type AfcOpenFlags } from '../device/afc/afc-client.js';
export { AfcFile } from '../device/afc/afc-file.js';
export type { AfcDeviceInfo, AfcStat } from '../device/afc/file-info.js';
export type { InstalledApp, ListAppsOptions } from '../device/services/apps.js';
export type { AppFilesOptions } from '../device/services/house-arrest.js';
export { NotificationProxy } from '../device/services/notification-proxy.js';
export type { ServiceHost, StartServiceOptions } from '../device/services/service-host.js';
export { Springboard, type InterfaceOrientation } from '../device/services/springboard.js';
