import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentChunks } from './recent-chunks.ts';
import { content, randomFrom } from './test-blobs.ts';

const BYTES = content(40_000, 3);

test('chunks are found by their position while the oldest are dropped', () => {
  const random = randomFrom(5);
  const recent = new RecentChunks();
  const lengths: number[] = [];
  let dropped = 0;
  let droppedBytes = 0;
  const reader = { position: 0, sequence: 0 };
  while (recent.end < BYTES.length - 30) {
    const length = 1 + Math.floor(random() * 30);
    recent.push(BYTES.subarray(recent.end, recent.end + length));
    lengths.push(length);
    const position = Math.floor(random() * recent.end);
    while (random() < 0.9 && recent.dropBefore(position)) {
      droppedBytes += lengths[dropped] ?? 0;
      dropped += 1;
    }
    assert.equal(recent.count, lengths.length - dropped);
    assert.equal(recent.bytes, recent.end - droppedBytes);
    assert.equal(recent.sequence, lengths.length);
    const place = { position, sequence: Math.floor(random() * lengths.length) };
    const chunk = recent.take(place);
    assert.equal(chunk === undefined, position < droppedBytes);
    if (chunk !== undefined) {
      assert.equal(place.position, position + chunk.length);
      assert.ok(chunk.equals(BYTES.subarray(position, place.position)));
    }
    // One that reads along never has to search.
    reader.position = Math.max(reader.position, droppedBytes);
    reader.sequence = Math.max(reader.sequence, dropped);
    while (random() < 0.8 && recent.take(reader) !== undefined) {
      assert.equal(reader.position, sum(lengths.slice(0, reader.sequence)));
    }
  }
  assert.ok(dropped > 1000);
  assert.equal(recent.take({ position: recent.end, sequence: recent.sequence }), undefined);
  const { end } = recent;
  recent.clear();
  assert.deepEqual(
    [recent.end, recent.count, recent.bytes, recent.sequence],
    [end, 0, 0, lengths.length],
  );
  assert.equal(recent.take(reader), undefined);
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
