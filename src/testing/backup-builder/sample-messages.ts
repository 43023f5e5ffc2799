import { gradientPng } from './png.js';
import type { SamplePerson } from './sample-people.js';
import type { SeededRandom } from './seeded-random.js';
import type { ChatSpec, MessageSpec } from './stores/messages-spec.js';

const meanGapMs = 45 * 60_000;
const photoPixels = 32;
/** People in the group chat, besides the owner. */
const groupSize = 3;

const lines = [
  'Are we still on for Saturday?',
  'Yes! I will bring the ropes',
  'The 9:40 train, platform 3',
  'Running late, start without me 🙈',
  'Who has the key to the shed?',
  'Lunch was great, thank you',
  'Did you see the fox in the garden again?',
  'No, but the cat did 😹',
  'Can you send me the address?',
  '14 Example Street, second floor',
  'Happy birthday!! 🎂',
  'The recipe is at https://example.org/lemon-cake',
  'I owe you 12.50 for the tickets',
  'Don’t worry about it',
  'It is raining sideways here',
  'À demain alors',
  'Book club moved to Thursday',
  'Only if there is cake',
  'Call me when you are home',
  'Good night',
];

/**
 * Conversations of the first person with the others, one of them in a group: with photos, reactions, replies, and edited
 * and unsent messages. The last one is of the day of the backup. Empty where there is nobody to talk to.
 */
export function sampleMessages(
  count: number,
  people: readonly SamplePerson[],
  options: { backupDate: Date; random: SeededRandom },
): MessageSpec[] {
  const { backupDate } = options;
  const random = options.random.fork('messages');
  const others = people.slice(1);
  if (others.length === 0) return [];
  const group = others.slice(0, groupSize).map((person) => person.phone);
  const chats: ChatSpec[] = others.map((person) => ({ participants: [person.phone] }));
  if (group.length === groupSize)
    chats.push({ participants: group, name: 'Climbing' }, { participants: group, name: 'Climbing' });
  const latest = new Map<string, string>();
  let time = backupDate.getTime() - count * meanGapMs;
  return Array.from({ length: count }, (_unused, index): MessageSpec => {
    time += random.between(meanGapMs / 5, meanGapMs);
    const chat = random.pick(chats);
    const talk = chat.participants.join();
    const sender = random.below(2) === 0 ? undefined : random.pick(chat.participants);
    const guid = random.uuid();
    const date = new Date(Math.floor(time / 1000) * 1000);
    const later = new Date(date.getTime() + 60_000);
    const repliesTo = latest.get(talk);
    latest.set(talk, guid);
    return {
      guid,
      chat,
      from: sender,
      date,
      text: random.pick(lines),
      ...(sender === undefined ? { dateDelivered: later } : { dateRead: later }),
      ...feature(index, { random, repliesTo, partner: sender ?? random.pick(chat.participants), later }),
    };
  });
}

/** What makes some messages more than text: every kind once in a while, and each within the first dozen. */
function feature(
  index: number,
  about: { random: SeededRandom; repliesTo: string | undefined; partner: string; later: Date },
): Partial<MessageSpec> {
  const { random, repliesTo, partner, later } = about;
  switch (index % 12) {
    case 2:
      return { attachments: [photo(index, random)] };
    case 4:
      return { reactions: [{ kind: 'love', from: partner, date: later }] };
    case 6:
      return repliesTo === undefined ? {} : { replyTo: { guid: repliesTo } };
    case 8:
      return { edits: [{ text: 'Sorry, wrong day', date: later }] };
    case 10:
      return { effect: 'com.apple.messages.effect.CKConfettiEffect' };
    case 11:
      return { text: undefined, unsent: true };
    default:
      return {};
  }
}

function photo(index: number, random: SeededRandom): NonNullable<MessageSpec['attachments']>[number] {
  return {
    name: `IMG_${String(index + 1).padStart(4, '0')}.PNG`,
    content: gradientPng(photoPixels, random.bytes(3), random.bytes(3)),
    mimeType: 'image/png',
    uti: 'public.png',
  };
}
