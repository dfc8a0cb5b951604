import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { Payload } from './payload.ts';
import { splice, type SpliceOptions, type SplicePart } from './splice.ts';
import { SpliceError, type SpliceFault } from './splice-error.ts';

const OPTIONS = { keys: ['b64_json', 'data'], payloadBytesMin: 8 };
const LONG = 'iVBORw0KGgoAAAANSUhEUgAA';

async function* inChunks(bytes: Buffer | string, chunkBytes: number): AsyncGenerator<Buffer> {
  const whole = Buffer.from(bytes);
  for (let start = 0; start < whole.length; start += chunkBytes) {
    yield whole.subarray(start, start + chunkBytes);
  }
}

async function text(payload: Payload): Promise<string> {
  return Buffer.concat(await Array.fromAsync(payload.chunks())).toString('latin1');
}

interface Read {
  readonly payloads: readonly (readonly [path: string, text: string])[];
  readonly document: unknown;
}

async function read(
  source: AsyncIterable<Buffer>,
  options: SpliceOptions = OPTIONS,
): Promise<Read> {
  const payloads: [string, string][] = [];
  let document: unknown = 'none';
  for await (const part of splice(source, options)) {
    if (part.type === 'payload') {
      payloads.push([part.path.join('.'), await text(part.payload)]);
    } else {
      document = part.value;
    }
  }
  return { payloads, document };
}

/** The same whatever the chunks; checked by all the tests that use it. */
async function readAnyhow(json: Buffer | string, options: SpliceOptions = OPTIONS): Promise<Read> {
  const expected = await read(inChunks(json, 1), options);
  for (const chunkBytes of [2, 3, 7, 16, 100_000]) {
    assert.deepEqual(await read(inChunks(json, chunkBytes), options), expected, `${chunkBytes}`);
  }
  return expected;
}

async function refuse(
  json: Buffer | string,
  fault: SpliceFault,
  options: SpliceOptions = OPTIONS,
): Promise<void> {
  for (const chunkBytes of [1, 2, 7, 100_000]) {
    await assert.rejects(read(inChunks(json, chunkBytes), options), isFault(fault), String(json));
  }
}

function isFault(fault: SpliceFault): (error: unknown) => boolean {
  return (error) => error instanceof SpliceError && error.fault === fault;
}

async function nextPayload(parts: AsyncGenerator<SplicePart>): Promise<Payload> {
  const { value } = (await parts.next()) as IteratorYieldResult<SplicePart>;
  assert.ok(value.type === 'payload');
  return value.payload;
}

test('one payload, before and after what else the document says', async () => {
  for (const json of [
    `{"created":1,"data":[{"b64_json":"${LONG}","n":1}],"usage":{"total":7}}`,
    `{"usage":{"total":7},"created":1,"data":[{"n":1,"b64_json":"${LONG}"}]}`,
    `\n{\r\n\t"created" : 1 ,"usage":{"total":7},"data":[ {"b64_json"\n:\t"${LONG}" ,"n":1} ]}\n \n`,
  ]) {
    assert.deepEqual(await readAnyhow(json), {
      payloads: [['data.0.b64_json', LONG]],
      document: { created: 1, data: [{ b64_json: '', n: 1 }], usage: { total: 7 } },
    });
  }
});

test('several payloads come in their order, with their paths', async () => {
  const parts = ['AAAAAAAA', LONG, 'BBBBBBBBBBB='].map((data) => `{"inline":{"data":"${data}"}}`);
  assert.deepEqual((await readAnyhow(`[[${parts.join(' , ')}],{"data":"${LONG}"}]`)).payloads, [
    ['0.0.inline.data', 'AAAAAAAA'],
    ['0.1.inline.data', LONG],
    ['0.2.inline.data', 'BBBBBBBBBBB='],
    ['1.data', LONG],
  ]);
});

test('a key may be written with escapes, and look-alikes are none', async () => {
  assert.deepEqual((await readAnyhow(`{"b64\\u005fjson":"${LONG}"}`)).payloads, [
    ['b64_json', LONG],
  ]);
  const alike = {
    B64_json: LONG,
    'b64_json ': LONG,
    '"b64_json': LONG,
    text: `{"b64_json":"${LONG}"}`,
    [`b64_json":"${LONG}`]: LONG,
    list: ['b64_json', LONG],
  };
  const json = JSON.stringify(alike);
  assert.deepEqual(await readAnyhow(json), { payloads: [], document: alike });
});

test('a known key may hold anything', async () => {
  for (const value of [{ x: LONG }, [LONG, LONG], 12345678, null, true, '', 'AAAA', 'a "text" ö']) {
    const document = { b64_json: value };
    assert.deepEqual(await readAnyhow(JSON.stringify(document)), { payloads: [], document });
  }
});

test('texts and addresses stay in the document', async () => {
  for (const value of [
    `https://images.example/${LONG}?signature=${LONG}`,
    `a fox with ${LONG}`,
    `data:image/svg+xml,<svg>${LONG}</svg>`,
    `data:${LONG.repeat(20)}`,
    '\n'.repeat(2000),
  ]) {
    const document = { data: value };
    assert.deepEqual(await readAnyhow(JSON.stringify(document)), { payloads: [], document });
  }
});

test('the whole document may be a string, a number, an array', async () => {
  for (const document of [LONG, 'b64_json', 1.5, null, [], [LONG], {}]) {
    assert.deepEqual((await readAnyhow(JSON.stringify(document))).document, document);
  }
});

test('a prefix is taken off, escapes are resolved, wrapped lines joined, padding completed', async () => {
  const table: [string, string][] = [
    [`data:image/png;base64,${LONG}`, LONG],
    [`DATA:image\\/png;charset=x;BASE64,${LONG}`, LONG],
    ['ab\\/\\/cd\\u002b\\u002Fef', 'ab//cd+/ef=='],
    ['abcdefgh\\nabcdefgh\\r\\nab==', 'abcdefghabcdefghab=='],
    ['\\n\\nabcdefghabcd', 'abcdefghabcd'],
    ['abcdefghijk', 'abcdefghijk='],
    ['\\u0041'.repeat(40), 'A'.repeat(40)],
  ];
  for (const [json, expected] of table) {
    const { payloads } = await readAnyhow(`{"b64_json":"${json}"}`);
    assert.deepEqual(payloads, [['b64_json', expected]], json);
  }
});

test('what goes on as anything but base64 is refused', async () => {
  for (const tail of [
    '-',
    '_',
    ' ',
    ',',
    'é',
    '\\"',
    '\\\\',
    '\\t',
    '\\u0022',
    '\\u00',
    '\\x',
    '\\',
  ]) {
    await refuse(`{"b64_json":"${LONG}${tail}${LONG}"}`, 'not_base64');
  }
  for (const tail of ['\n', '\r', '\0', '\u001f', '\u007f', '\t']) {
    await refuse(`{"b64_json":"${LONG}${tail}${LONG}"}`, 'not_base64');
  }
  for (const end of ['=', '===', 'A', 'AA===', 'AAA==', 'AA=A', 'A===']) {
    await refuse(`{"b64_json":"${LONG}${end}"}`, 'not_base64');
  }
  const invalid = [Buffer.from(`{"b64_json":"${LONG}`), Buffer.from([0xff]), Buffer.from('"}')];
  await refuse(Buffer.concat(invalid), 'not_base64');
});

test('a byte order mark and white space are passed over, garbage is not', async () => {
  const json = `\uFEFF {"b64_json":"${LONG}"} \r\n\t`;
  assert.deepEqual(await readAnyhow(json), {
    payloads: [['b64_json', LONG]],
    document: { b64_json: '' },
  });
  for (const tail of ['x', '{}', ',', '"', '"a"', ']', '}', '0', '\0', '\u00a0', '\uFEFF']) {
    await refuse(`{"b64_json":"${LONG}"}${tail}`, 'malformed');
  }
});

test('what JSON.parse refuses is refused', async () => {
  const bad = ['{"a":01}', '{"a":1.}', '{"a":+1}', '{"a":NaN}', "{'a':1}", '{"a":1,}', '[1,]'];
  bad.push(
    '{"a"}',
    '{"a":}',
    '{:1}',
    '{1:1}',
    '[1 2]',
    '{"a" "b"}',
    '[}',
    '{]',
    '}',
    ']',
    ',',
    ':',
  );
  bad.push('"\n"', '"\t"', '"\\x"', '"\\u12g4"', 'tru', 'nul l', '[1]]', '{}{}', '{"a":1 "b":2}');
  bad.push(`{"b64_json" "${LONG}"}`, `{"b64_json":"${LONG}",}`, `{"b64_json":"${LONG}" 1}`, '{,}');
  bad.push(`{"a":{"b64_json":"${LONG}"]}`, `"x":{"b64_json":"${LONG}"}`, `{"b64_json"::"${LONG}"}`);
  for (const json of bad) {
    assert.throws(() => JSON.parse(json), json);
    await refuse(json, 'malformed');
  }
  for (const json of ['', ' \n', '\uFEFF', '{', '["a"', '{"a":"b', '{"a":[1,{"b":2}]']) {
    await refuse(json, 'cut_off');
  }
  await refuse(Buffer.from([0x22, 0xff, 0x22]), 'malformed');
});

test('lone surrogates are what JSON.parse makes of them', async () => {
  const json = '{"x":"\\ud800","b64_json":"\\udfff"}';
  assert.deepEqual((await readAnyhow(json)).document, JSON.parse(json));
});

test('keys of objects are own properties', async () => {
  const { payloads, document } = await readAnyhow(`{"__proto__":{"b64_json":"${LONG}"}}`);
  assert.deepEqual(payloads, [['__proto__.b64_json', LONG]]);
  assert.ok(Object.hasOwn(document as object, '__proto__'));
});

test('each limit is named, and the content is not', async () => {
  const table: [string, SpliceOptions][] = [
    ['payloadBytesMax of 40', { ...OPTIONS, payloadBytesMax: 40 }],
    ['documentBytesMax of 100', { ...OPTIONS, documentBytesMax: 100 }],
    ['depthMax of 2', { ...OPTIONS, depthMax: 2 }],
  ];
  const secret = 'SECRETSECRET';
  const json = `{"a":{"b":[1]},"b64_json":"${secret.repeat(4)}","p":"${secret.repeat(10)}"}`;
  for (const [limit, options] of table) {
    for (const chunkBytes of [1, 1000]) {
      await assert.rejects(read(inChunks(json, chunkBytes), options), (error: unknown) => {
        assert.ok(error instanceof SpliceError && error.fault === 'limit');
        assert.equal(error.message, `${limit} is exceeded`);
        return true;
      });
    }
  }
});

test('a limit is reached exactly', async () => {
  const json = `{"b64_json":"${LONG}"}`;
  const documentBytesMax = '{"b64_json":""}'.length;
  const options = { ...OPTIONS, documentBytesMax, payloadBytesMax: LONG.length, depthMax: 1 };
  assert.equal((await readAnyhow(json, options)).payloads.length, 1);
  await refuse(json, 'limit', { ...options, documentBytesMax: documentBytesMax - 1 });
  await refuse(json, 'limit', { ...options, payloadBytesMax: LONG.length - 1 });
  await refuse(json, 'limit', { ...options, depthMax: 0 });
});

test('no error quotes the document', async () => {
  for (const json of ['{"p":"SECRET" x}', '"SECRET', '{"b64_json":"SECRETSECRET!"}', 'SECRET']) {
    await assert.rejects(read(inChunks(json, 3)), (error: unknown) => {
      assert.ok(error instanceof SpliceError);
      assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /SECRET|SEC"/);
      assert.equal(error.cause, undefined);
      return true;
    });
  }
});

test('a long unclear string costs no more than a long text', async () => {
  const json = `{"data":"${'\\n'.repeat(450_000)}"}`;
  const startMs = performance.now();
  assert.deepEqual((await read(inChunks(json, 65_536))).payloads, []);
  assert.ok(performance.now() - startMs < 2000);
});

test('payload chunks are parts of the chunks that came', async () => {
  const chunk = Buffer.from(`{"b64_json":"${LONG.repeat(1000)}"}`);
  const parts = splice(Readable.from([chunk]), OPTIONS);
  const payload = await nextPayload(parts);
  const [only, ...others] = await Array.fromAsync(payload.chunks());
  assert.equal(others.length, 0);
  assert.ok(only?.buffer === chunk.buffer);
  assert.equal(only?.length, LONG.length * 1000);
});

test('the source is asked for no more than its reader takes', async () => {
  let given = 0;
  async function* counting(): AsyncGenerator<Buffer> {
    for await (const chunk of inChunks(`{"b64_json":"${LONG.repeat(100)}"}`, 100)) {
      given += 1;
      yield chunk;
    }
  }
  const parts = splice(counting(), OPTIONS);
  assert.equal(given, 0);
  const payload = await nextPayload(parts);
  assert.equal(given, 1);
  const chunks = payload.chunks()[Symbol.asyncIterator]();
  for (const expected of [1, 2, 3]) {
    await chunks.next();
    assert.equal(given, expected);
  }
});

test('a look takes nothing away, and beyond the end gives all', async () => {
  const whole = LONG.repeat(20);
  for (const chunkBytes of [1, 7, 50, 10_000]) {
    const parts = splice(inChunks(`{"b64_json":"${whole}"}`, chunkBytes), OPTIONS);
    const payload = await nextPayload(parts);
    const peeks = [payload.peek(3), payload.peek(0), payload.peek(100), payload.peek(50)];
    const peeked = await Promise.all(peeks);
    [3, 0, 100, 50].forEach((count, index) => {
      assert.equal(peeked[index]?.toString(), whole.slice(0, count));
    });
    assert.equal((await payload.peek(1_000_000)).toString(), whole);
    assert.equal(await text(payload), whole);
    assert.equal((await parts.next()).value?.type, 'document');
  }
});

test('a payload can be read once, and is not looked at after that', async () => {
  const parts = splice(inChunks(`{"b64_json":"${LONG}"}`, 5), OPTIONS);
  const payload = await nextPayload(parts);
  await text(payload);
  await assert.rejects(text(payload), /only once/);
  await assert.rejects(payload.peek(1), /before it is read/);
});

test('what is not read is skipped, and cannot be read later', async () => {
  const json = `{"data":[{"b64_json":"${LONG}"},{"b64_json":"${LONG}"}]}`;
  const parts = splice(inChunks(json, 5), OPTIONS);
  const first = await nextPayload(parts);
  const second = await nextPayload(parts);
  await assert.rejects(text(first), /skipped/);
  await assert.rejects(first.peek(1), /before it is read/);
  const chunks = second.chunks()[Symbol.asyncIterator]();
  await chunks.next();
  const { value } = await parts.next();
  assert.deepEqual(value, {
    type: 'document',
    value: { data: [{ b64_json: '' }, { b64_json: '' }] },
  });
  await assert.rejects(async () => chunks.next(), /skipped/);
});

test('a reader that is still waiting when the next part is asked for is told', async () => {
  const parts = splice(inChunks(`{"b64_json":"${LONG.repeat(5)}"}`, 30), OPTIONS);
  const payload = await nextPayload(parts);
  const reading = text(payload);
  const [outcome, step] = await Promise.allSettled([reading, parts.next()]);
  assert.equal(outcome.status, 'rejected');
  assert.equal(step.status === 'fulfilled' && step.value.value?.type, 'document');
});

/** Gives the text and then fails. */
async function* dying(json: string, chunkBytes: number): AsyncGenerator<Buffer> {
  yield* inChunks(json, chunkBytes);
  throw new Error('the upstream is gone');
}

test('a source that dies in a payload fails its reader, and the next part', async () => {
  const json = `{"b64_json":"${LONG.repeat(3)}`;
  for (const chunkBytes of [1, 9, 1000]) {
    for (const isCut of [true, false]) {
      const source = isCut ? inChunks(json, chunkBytes) : dying(json, chunkBytes);
      const expected = isCut ? isFault('cut_off') : /the upstream is gone/;
      const parts = splice(source, OPTIONS);
      const payload = await nextPayload(parts);
      await assert.rejects(text(payload), expected);
      await assert.rejects(parts.next(), expected);
      assert.equal((await parts.next()).done, true, 'no document follows');
    }
  }
});

test('whoever ignores a payload still meets its failure', async () => {
  for (const tail of ['', '!"}', '\n"}', `${'A'.repeat(1000)}"}`]) {
    const options = { ...OPTIONS, payloadBytesMax: 500 };
    const parts = splice(inChunks(`{"b64_json":"${LONG}${tail}`, 9), options);
    const payload = await nextPayload(parts);
    await assert.rejects(parts.next(), SpliceError);
    await assert.rejects(text(payload));
  }
});

test('a failed look fails the reader, too', async () => {
  const parts = splice(inChunks(`{"b64_json":"${LONG}`, 9), OPTIONS);
  const payload = await nextPayload(parts);
  await assert.rejects(payload.peek(1000), isFault('cut_off'));
  await assert.rejects(text(payload), isFault('cut_off'));
  await assert.rejects(parts.next(), isFault('cut_off'));
});

test('the source is closed when the caller stops, and nothing is read after that', async () => {
  let isClosed = false;
  async function* closing(): AsyncGenerator<Buffer> {
    try {
      yield* inChunks(`{"b64_json":"${LONG.repeat(10)}"}`, 20);
    } finally {
      isClosed = true;
    }
  }
  const parts = splice(closing(), OPTIONS);
  const payload = await nextPayload(parts);
  const chunks = payload.chunks()[Symbol.asyncIterator]();
  await chunks.next();
  await parts.return();
  assert.ok(isClosed);
  await assert.rejects(async () => chunks.next());
  await assert.rejects(payload.peek(1));
});

test('the source is closed when the document is refused', async () => {
  let isClosed = false;
  async function* closing(): AsyncGenerator<Buffer> {
    try {
      yield* inChunks(`{]${' '.repeat(100)}`, 1);
    } finally {
      isClosed = true;
    }
  }
  await assert.rejects(read(closing()), isFault('malformed'));
  assert.ok(isClosed);
});

test('strings in an array at a known key are lifted out when asked for', async () => {
  const long = 'QUJD'.repeat(500);
  const text = JSON.stringify({
    image: [`data:image/png;base64,${long}`, 'https://pictures.example/a', long],
    nested: { image: [[long], { image: [long] }] },
    other: [long],
  });
  const source = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from(text);
  };
  const read = async (liftsItems: boolean): Promise<unknown[]> => {
    const seen: unknown[] = [];
    for await (const part of splice(source(), { keys: ['image'], liftsItems })) {
      if (part.type === 'document') {
        seen.push(part.value);
      } else {
        const bytes = Buffer.concat(await Array.fromAsync(part.payload.chunks()));
        assert.equal(bytes.toString(), long);
        seen.push(part.path);
      }
    }
    return seen;
  };
  assert.deepEqual(await read(true), [
    ['image', 0],
    ['image', 2],
    ['nested', 'image', 1, 'image', 0],
    {
      image: ['', 'https://pictures.example/a', ''],
      nested: { image: [[long], { image: [''] }] },
      other: [long],
    },
  ]);
  assert.deepEqual(await read(false), [JSON.parse(text)]);
});
