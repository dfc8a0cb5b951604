import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spliceEvents, type SpliceOptions } from './splice.ts';
import { SpliceError, type SpliceFault } from './splice-error.ts';

const OPTIONS = { keys: ['b64_json'], payloadBytesMin: 8 };
const LONG = 'iVBORw0KGgoAAAANSUhEUgAA';

async function* inChunks(text: string, chunkBytes: number): AsyncGenerator<Buffer> {
  const whole = Buffer.from(text);
  for (let start = 0; start < whole.length; start += chunkBytes) {
    yield whole.subarray(start, start + chunkBytes);
  }
}

/** One line a part: `event name`, `payload path text`, `document json`. */
async function readOnce(source: AsyncIterable<Buffer>, options: SpliceOptions): Promise<string[]> {
  const lines: string[] = [];
  for await (const part of spliceEvents(source, options)) {
    switch (part.type) {
      case 'event':
        lines.push(`event ${part.name ?? '-'}`);
        break;
      case 'payload': {
        const chunks = await Array.fromAsync(part.payload.chunks());
        lines.push(`payload ${part.path.join('.')} ${Buffer.concat(chunks).toString()}`);
        break;
      }
      case 'document':
        lines.push(`document ${JSON.stringify(part.value)}`);
        break;
    }
  }
  return lines;
}

/** The same whatever the chunks and the line ends. */
async function read(stream: string, options: SpliceOptions = OPTIONS): Promise<string[]> {
  const expected = await readOnce(inChunks(stream, 1), options);
  for (const lineEnd of ['\n', '\r\n', '\r']) {
    for (const chunkBytes of [1, 2, 3, 10, 100_000]) {
      const same = stream.replaceAll('\n', lineEnd);
      const read = await readOnce(inChunks(same, chunkBytes), options);
      assert.deepEqual(read, expected, `${JSON.stringify(lineEnd)} by ${chunkBytes}`);
    }
  }
  return expected;
}

async function refuse(stream: string, fault: SpliceFault, options = OPTIONS): Promise<void> {
  for (const chunkBytes of [1, 4, 1000]) {
    await assert.rejects(readOnce(inChunks(stream, chunkBytes), options), (error: unknown) => {
      assert.ok(error instanceof SpliceError, String(error));
      assert.equal(error.fault, fault, error.message);
      return true;
    });
  }
}

test('a stream of partial and whole pictures', async () => {
  const stream = [
    ': easel\n\n',
    `event: partial\ndata: {"b64_json":"${LONG}","index":0}\n\n`,
    ': ping\n\n\n\n',
    `id: 7\nretry: 100\nevent:completed\ndata:{"type":"x","b64_json":"${LONG}AAAA","usage":{"n":1}}\n\n`,
    'data: {"plain":true}\n\n',
    'data: [DONE]\n\n',
  ].join('');
  assert.deepEqual(await read(stream), [
    'event partial',
    `payload b64_json ${LONG}`,
    'document {"b64_json":"","index":0}',
    'event completed',
    `payload b64_json ${LONG}AAAA`,
    'document {"type":"x","b64_json":"","usage":{"n":1}}',
    'event -',
    'document {"plain":true}',
  ]);
});

test('[DONE] ends the stream whatever follows it, and may lack its empty line', async () => {
  const event = 'data: {"a":1}\n\n';
  const expected = ['event -', 'document {"a":1}'];
  for (const end of [
    'data: [DONE]\n\n',
    'data:[DONE]',
    'data: [DONE]\n',
    'data: [DONE]\n\ndata: {',
  ]) {
    assert.deepEqual(await read(event + end), expected, end);
  }
  assert.deepEqual(await read(event), expected, 'and is not needed');
});

test('an event without data is skipped', async () => {
  const stream = 'event: ping\n\nevent: ping\ndata:\n\ndata\n\nid: 4\n\ndata: {}\n\n';
  assert.deepEqual(await read(stream), ['event -', 'document {}']);
});

test('the name may follow the data, when no payload has come before it', async () => {
  assert.deepEqual(await read('data: {"a":1}\nevent: late\n\n'), [
    'event late',
    'document {"a":1}',
  ]);
  const late = `data: {"b64_json":"${LONG}"}\nevent: late\n\ndata: 1\n\n`;
  assert.deepEqual(await read(late), [
    'event -',
    `payload b64_json ${LONG}`,
    'document {"b64_json":""}',
    'event -',
    'document 1',
  ]);
});

test('data of several lines is one document', async () => {
  const stream = `data: {"a":\ndata: [1,\nid: 3\ndata: 2],\ndata: "b64_json":"${LONG}"\ndata: }\n\n`;
  assert.deepEqual(await read(stream), [
    'event -',
    `payload b64_json ${LONG}`,
    'document {"a":[1,2],"b64_json":""}',
  ]);
  await refuse('data: {"a":"b\ndata: c"}\n\n', 'malformed');
});

test('a byte order mark, unknown fields and long comments are passed over', async () => {
  const stream = `\uFEFFdata: 1\n\n${'x'.repeat(5000)}: y\ndatas: 2\n: ${'c'.repeat(100_000)}\ndata: 3\n\n`;
  const read = await readOnce(inChunks(stream, 1000), OPTIONS);
  assert.deepEqual(read, ['event -', 'document 1', 'event -', 'document 3']);
});

test('an event is given when its empty line has begun, without waiting for what follows', async () => {
  async function* stalling(): AsyncGenerator<Buffer> {
    yield Buffer.from('data: {"a":1}\r\n\r');
    throw new Error('asked for more');
  }
  const parts = spliceEvents(stalling(), OPTIONS);
  assert.equal((await parts.next()).value?.type, 'event');
  assert.equal((await parts.next()).value?.type, 'document');
  await assert.rejects(parts.next(), /asked for more/);
});

test('a payload is given before its event ends', async () => {
  async function* stalling(): AsyncGenerator<Buffer> {
    yield Buffer.from(`event: x\ndata: {"b64_json":"${LONG}`);
    throw new Error('asked for more');
  }
  const parts = spliceEvents(stalling(), OPTIONS);
  assert.deepEqual((await parts.next()).value, { type: 'event', name: 'x' });
  const { value } = await parts.next();
  assert.ok(value?.type === 'payload');
  assert.equal((await value.payload.peek(8)).toString(), LONG.slice(0, 8));
  await assert.rejects(Array.fromAsync(value.payload.chunks()), /asked for more/);
  await assert.rejects(parts.next(), /asked for more/);
});

test('a stream that ends inside an event is refused', async () => {
  for (const end of ['event: x', 'event: x\n', 'data: {"a":1}', 'data: {"a":1}\n', 'data: {"a"']) {
    await refuse(`data: 1\n\n${end}`, 'cut_off');
  }
  await refuse(`data: {"b64_json":"${LONG}`, 'cut_off');
});

test('a document that ends early or late is refused', async () => {
  await refuse('data: {"a":1} x\n\n', 'malformed');
  await refuse('data: {"a":1}{}\n\n', 'malformed');
  await refuse('data: {"a":1\n\n', 'cut_off');
  await refuse('data: [DONE] \ndata: 1\n\n', 'malformed');
  await refuse(`data: {"b64_json":"${LONG}\n\n`, 'not_base64');
  await refuse(`data: {"b64_json":"${LONG}\r\n\r\n`, 'not_base64');
  await refuse('data: "abc\n\n', 'malformed');
});

test('limits hold for each event by itself', async () => {
  const options = { ...OPTIONS, documentBytesMax: 20, payloadBytesMax: 30, depthMax: 2 };
  assert.equal((await read('data: "0123456789"\n\n'.repeat(9), options)).length, 18);
  await refuse('data: "01234567890123456789"\n\n', 'limit', options);
  await refuse(`data: {"b64_json":"${LONG.repeat(2)}"}\n\n`, 'limit', options);
  await refuse('data: [[[]]]\n\n', 'limit', options);
  await refuse(`event: ${'x'.repeat(2000)}\ndata: 1\n\n`, 'limit');
});

test('the source is closed when the caller stops inside an event', async () => {
  let isClosed = false;
  async function* closing(): AsyncGenerator<Buffer> {
    try {
      yield* inChunks(`data: {"b64_json":"${LONG}"}\n\n`, 5);
    } finally {
      isClosed = true;
    }
  }
  for await (const part of spliceEvents(closing(), OPTIONS)) {
    if (part.type === 'payload') {
      break;
    }
  }
  assert.ok(isClosed);
});
