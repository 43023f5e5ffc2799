import type { MessageEffect, MessageService } from './types.js';

// FORMAT facts: docs/datasets/messages.md, "Services" and "Effects".

const services = new Map<string, MessageService>([
  ['imessage', 'iMessage'],
  ['sms', 'SMS'],
  ['rcs', 'RCS'],
  ['imessagelite', 'satellite'],
]);

/** A service under one spelling; RCS occurs in both cases, satellite messages are `iMessageLite`. Unknown ones are verbatim. */
export function serviceOf(name: string | undefined): MessageService | undefined {
  return name === undefined ? undefined : (services.get(name.toLowerCase()) ?? name);
}

const bubblePrefix = 'com.apple.MobileSMS.expressivesend.';
const screenPrefix = 'com.apple.messages.effect.CK';

const bubbleEffects = new Map([
  ['gentle', 'gentle'],
  ['impact', 'slam'],
  ['invisibleink', 'invisible-ink'],
  ['loud', 'loud'],
]);

const screenEffects = new Map([
  ['ConfettiEffect', 'confetti'],
  ['EchoEffect', 'echo'],
  ['FireworksEffect', 'fireworks'],
  ['HappyBirthdayEffect', 'balloons'],
  ['HeartEffect', 'heart'],
  ['LasersEffect', 'lasers'],
  ['ShootingStarEffect', 'shooting-star'],
  ['SparklesEffect', 'sparkles'],
  ['SpotlightEffect', 'spotlight'],
]);

/** The effect that an `expressive_send_style_id` means. */
export function effectOf(id: string | undefined): MessageEffect | undefined {
  if (id === undefined) return undefined;
  const bubble = id.startsWith(bubblePrefix) ? bubbleEffects.get(id.slice(bubblePrefix.length)) : undefined;
  if (bubble !== undefined) return { kind: 'bubble', name: bubble, id };
  const screen = id.startsWith(screenPrefix) ? screenEffects.get(id.slice(screenPrefix.length)) : undefined;
  return screen === undefined ? { kind: 'unknown', name: 'unknown', id } : { kind: 'screen', name: screen, id };
}

const filters = new Map([
  [1, 'allowed' as const],
  [2, 'junk' as const],
  [3, 'promotion' as const],
  [4, 'transaction' as const],
]);

/** What a `filter_action` means; 0 and NULL are "not filtered". */
export function filterOf(
  action: number | undefined,
): 'allowed' | 'junk' | 'promotion' | 'transaction' | 'unknown' | undefined {
  return action === undefined || action === 0 ? undefined : (filters.get(action) ?? 'unknown');
}
