import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rawForm } from '../../../test/support/forms.ts';
import { formParts } from './form-parts.ts';

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    yield bytes.subarray(start, start + pieceBytes);
  }
}

const content = Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 31) % 256));
const FORM = rawForm([
  { name: 'first', body: 'a text' },
  { name: 'file', body: content, fileName: 'a.bin' },
  { name: 'empty', body: '' },
  { name: 'lines', body: 'one\r\ntwo\r\n\r\n--' },
  { name: 'last', body: content },
]);

test('parts come in order and whole, however the body is cut', async () => {
  for (const pieceBytes of [1, 2, 3, 17, 64, 1000, 100_000]) {
    const parts: [string, Buffer][] = [];
    for await (const { name, body } of formParts(
      inPieces(FORM.body, pieceBytes),
      FORM.contentType,
    )) {
      parts.push([name, Buffer.concat(await Array.fromAsync(body))]);
    }
    assert.deepEqual(
      parts,
      [
        ['first', Buffer.from('a text')],
        ['file', content],
        ['empty', Buffer.alloc(0)],
        ['lines', Buffer.from('one\r\ntwo\r\n\r\n--')],
        ['last', content],
      ],
      `in pieces of ${pieceBytes}`,
    );
  }
});

test('parts that nobody reads, or not to their end, are skipped', async () => {
  const names: string[] = [];
  for await (const { name, body } of formParts(inPieces(FORM.body, 100), FORM.contentType)) {
    names.push(name);
    if (name === 'file') {
      await body[Symbol.asyncIterator]().next();
    }
  }
  assert.deepEqual(names, ['first', 'file', 'empty', 'lines', 'last']);
});

test('whoever stops early ends it all', async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const source = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* inPieces(FORM.body, 10);
    } finally {
      resolve();
    }
  };
  for await (const { name } of formParts(source(), FORM.contentType)) {
    if (name === 'file') {
      break;
    }
  }
  await closed;
});

test('a body that ends at any byte before its end is malformed, and never hangs', async () => {
  for (let length = 0; length < FORM.body.length - 4; length += 37) {
    await assert.rejects(
      async () => {
        const parts = formParts(inPieces(FORM.body.subarray(0, length), 64), FORM.contentType);
        for await (const { body } of parts) {
          await Array.fromAsync(body);
        }
      },
      { errorName: 'invalid_value', message: /malformed/ },
      `at ${length}`,
    );
  }
});

test('what the source fails with is what the reader of a part meets', async () => {
  const source = async function* (): AsyncGenerator<Buffer> {
    yield FORM.body.subarray(0, 400);
    throw new Error('the client left');
  };
  await assert.rejects(async () => {
    for await (const { body } of formParts(source(), FORM.contentType)) {
      await Array.fromAsync(body);
    }
  }, /the client left/);
});

test('a part without a name, and more parts than anybody sends, are refused', async () => {
  const nameless = rawForm([{ name: 'x"; other="y', body: '1' }]).body.toString();
  const contentType = 'multipart/form-data; boundary=b';
  const bodies = [
    '--b\r\ncontent-disposition: form-data\r\n\r\n1\r\n--b--\r\n',
    Array.from(
      { length: 201 },
      () => '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n',
    )
      .join('')
      .concat('--b--\r\n'),
  ];
  assert.match(nameless, /name=/);
  for (const text of bodies) {
    await assert.rejects(
      async () => {
        for await (const { body } of formParts(inPieces(Buffer.from(text), 1000), contentType)) {
          await Array.fromAsync(body);
        }
      },
      { errorName: 'invalid_value' },
    );
  }
});
