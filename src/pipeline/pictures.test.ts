import assert from 'node:assert/strict';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Failure } from '../base/errors.ts';
import { createSpool } from '../payload/spool.ts';
import { readPictures } from './pictures.ts';

test('a mask that is refused while a picture is awaited ends the wait', async () => {
  const spool = createSpool({ folder: join(tmpdir(), 'easel-nothing-kept'), memoryBytes: 0 });
  const reading = readPictures(
    {
      spool,
      images: [{ kind: 'url', param: 'image', url: 'https://slow.example/a.png' }],
      mask: { kind: 'url', param: 'mask', url: 'http://127.0.0.1/' },
    },
    async (url, signal) => {
      if (url.startsWith('https:')) {
        await once(signal, 'abort');
      }
      throw new Failure('image_url_refused', { message: url });
    },
    new AbortController().signal,
  );
  // An unhandled rejection would fail this test, and end a server.
  await assert.rejects(reading, { errorName: 'image_url_refused', param: 'mask' });
});
