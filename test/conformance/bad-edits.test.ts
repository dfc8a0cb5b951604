import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createSocketServer,
  type Server,
  type Socket,
} from 'node:net';
import { after, before, test } from 'node:test';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import { type ExpectedError, readError } from '../support/answers.ts';
import { type RawPart, rawForm } from '../support/forms.ts';
import { type Easel, requesters, startEasel } from '../support/harness.ts';
import { asObject, asString } from '../support/json.ts';
import { spawnEasel, temporaryFolder } from '../support/process.ts';
import { sendRaw } from '../support/raw-http.ts';
import { middleMask, noisePicture } from '../support/references.ts';
import { openSpoolFiles } from '../support/spool.ts';

// Whatever comes in place of pictures: a 4xx that names the field, nothing charged, no file left.

const EDITS = '/v1/images/edits';
const MEGABYTE = 1024 * 1024;
const FIELDS: readonly RawPart[] = [
  { name: 'model', body: 'deepshi-image-1' },
  { name: 'prompt', body: 'make it night' },
];

let easel: Easel;
let png: Buffer;
/** An upstream of pictures on this machine, which the operator allows. */
let files: Awaited<ReturnType<typeof fileServer>>;
/** A service on this machine that nobody may be led to. */
let inside: Awaited<ReturnType<typeof insideServer>>;
/** What lies in the home before anything is refused. */
let namesAtStart: readonly string[];

before(async () => {
  files = await fileServer();
  inside = await insideServer();
  easel = await startEasel({
    environment: { EASEL_FETCH_ALLOW: files.host },
    yaml: 'time:\n  upload_idle_seconds: 0.2\nbody_limits:\n  edits_bytes: 83886080\n',
  });
  png = await noisePicture({ width: 96, height: 64 });
  namesAtStart = await namesInHome();
});

after(async () => {
  await easel.close();
  await files.close();
  await inside.close();
});

/** An edit that is refused and leaves nothing behind. */
function refused(name: string, send: () => Promise<Response>, expected: ExpectedError): void {
  test(name, async () => {
    await readError(await send(), expected);
    await assertNothingHappened();
  });
}

async function assertNothingHappened(): Promise<void> {
  const { balance, held, spent } = asObject(await (await easel.get('/v1/balance')).json());
  assert.deepEqual({ balance, held, spent }, { balance: 10, held: 0, spent: 0 });
  assert.deepEqual(await easel.auditProblems(), []);
  assert.deepEqual(await openSpoolFiles(easel.home), []);
  assert.deepEqual(await namesInHome(), namesAtStart);
}

/** Every file and folder, but for the spool's, which is made when it is needed. */
async function namesInHome(): Promise<string[]> {
  const names = await readdir(easel.home, { recursive: true });
  return names.filter((name) => name !== 'spool').toSorted();
}

/** A refused address: nothing connects to what lies inside, and the log tells the reason. */
function refusedAddress(
  name: string,
  send: () => Promise<Response>,
  expected: { readonly param: string; readonly reason: RegExp },
): void {
  const { param, reason } = expected;
  test(name, async () => {
    const logged = easel.logLines.length;
    await readError(await send(), { name: 'image_url_refused', param });
    await assertNothingHappened();
    assert.equal(inside.connections, 0);
    const [told, ...more] = easel.logLines.slice(logged).filter((line) => 'reason' in line);
    assert.deepEqual(more, []);
    assert.match(asString(told?.['reason']), reason);
  });
}

type Sender = Pick<Easel, 'get' | 'post'>;

function sendForm(
  parts: readonly RawPart[],
  fields = FIELDS,
  to: Sender = easel,
): Promise<Response> {
  const { contentType, body } = rawForm([...fields, ...parts]);
  const headers = { 'content-type': contentType };
  return to.get(EDITS, { method: 'POST', headers, body });
}

function sendJson(body: object, to: Sender = easel): Promise<Response> {
  return to.post(EDITS, { model: 'deepshi-image-1', prompt: 'make it night', ...body });
}

const image = (body: Buffer, name = 'image', fileName = 'a.png'): RawPart => ({
  name,
  body,
  fileName,
  contentType: 'image/png',
});

const dataUri = (bytes: Buffer): string => `data:image/png;base64,${bytes.toString('base64')}`;

const BOMB_SIDE = 30_000;

/** A whole png of 30,000 × 30,000 black pixels: under a megabyte that unfolds to 900. */
function bomb(): Buffer {
  const chunk = (kind: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(BOMB_SIDE, 0);
  header.writeUInt32BE(BOMB_SIDE, 4);
  header.writeUInt8(8, 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', zeros(BOMB_SIDE, BOMB_SIDE + 1)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** So many rows of zero bytes, in zlib's format; deflated once, and repeated. */
function zeros(rows: number, rowBytes: number): Buffer {
  const rowsAtOnce = 100;
  const flushed = { level: 9, finishFlush: constants.Z_FULL_FLUSH };
  const block = deflateRawSync(Buffer.alloc(rowsAtOnce * rowBytes), flushed);
  const check = Buffer.alloc(4);
  // Adler-32: the sum of the bytes and one, and the sum of those sums.
  check.writeUInt16BE((rows * rowBytes) % 65_521, 0);
  check.writeUInt16BE(1, 2);
  const blocks = Array.from({ length: rows / rowsAtOnce }, () => block);
  return Buffer.concat([Buffer.from([0x78, 0xda]), ...blocks, deflateRawSync(''), check]);
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function listenHttp(listener: RequestListener): Promise<{
  readonly url: string;
  readonly host: string;
  readonly close: () => Promise<void>;
}> {
  const server = createServer(listener);
  const host = await listen(server);
  return {
    url: `http://${host}`,
    host,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Ends every connection that comes, and counts them. */
async function insideServer() {
  const counted = { connections: 0 };
  const server = createSocketServer((socket: Socket) => {
    counted.connections += 1;
    socket.on('error', () => undefined);
    socket.destroy();
  });
  const host = await listen(server);
  return {
    get connections() {
      return counted.connections;
    },
    port: host.replace('127.0.0.1:', ''),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** Pictures at addresses, some of which lead astray. */
async function fileServer() {
  const sent = { bytes: 0 };
  const listening = await listenHttp((request, response) => {
    const url = new URL(request.url ?? '/', 'http://files');
    const to = url.searchParams.get('to');
    if (to !== null) {
      response.writeHead(302, { location: to }).end();
    } else if (url.pathname === '/announced') {
      response.writeHead(200, { 'content-length': 1024 * MEGABYTE });
      response.write(png);
    } else if (url.pathname === '/bomb') {
      response.end(bomb());
    } else if (url.pathname === '/padded') {
      response.end(Buffer.concat([png, Buffer.alloc(45 * MEGABYTE)]));
    } else if (url.pathname === '/endless') {
      response.writeHead(200, { 'content-type': 'image/png' });
      response.write(png.subarray(0, 1000));
      const more = (): void => {
        let hasRoom = true;
        while (hasRoom && !response.destroyed) {
          hasRoom = response.write(Buffer.alloc(64 * 1024));
          sent.bytes += 64 * 1024;
        }
      };
      response.on('drain', more);
      more();
    } else {
      response.writeHead(404).end();
    }
  });
  return { ...listening, sent };
}

refused('no picture', () => sendForm([]), {
  name: 'missing_required_parameter',
  param: 'image',
});
refused('no picture in JSON', () => sendJson({}), {
  name: 'missing_required_parameter',
  param: 'image',
});
refused('a field of a browser’s form left empty', () => sendForm([image(Buffer.alloc(0))]), {
  name: 'missing_required_parameter',
  param: 'image',
});
refused('17 pictures', () => sendForm(Array(17).fill(image(png, 'image[]'))), {
  name: 'too_many_images',
  param: 'image[]',
  message: /16/,
});
refused('17 pictures in JSON', () => sendJson({ image: Array(17).fill(dataUri(png)) }), {
  name: 'too_many_images',
  param: 'image.16',
});
refused('more pictures than the card takes', () => sendForm(Array(6).fill(image(png))), {
  name: 'too_many_images',
  param: 'image',
  message: /5 reference images, not 6/,
});
refused('a text named .png', () => sendForm([image(Buffer.from('no picture '.repeat(99)))]), {
  name: 'invalid_image',
  param: 'image',
});
refused('a text of a few letters', () => sendForm([image(Buffer.from('hi'))]), {
  name: 'invalid_image',
  param: 'image',
});
refused('a gif', async () => sendForm([image(await sharp(png).gif().toBuffer())]), {
  name: 'invalid_image',
  param: 'image',
  message: /gif/,
});
for (const format of ['jpeg', 'png', 'webp'] as const) {
  refused(
    `a ${format} that is cut off`,
    async () => {
      const whole = await noisePicture({ width: 200, height: 200, format });
      return sendForm([image(whole.subarray(0, whole.length - 20))]);
    },
    { name: 'invalid_image', param: 'image', message: /cut off/ },
  );
}
refused('a bomb: 30,000 × 30,000 pixels in a megabyte', () => sendForm([image(bomb())]), {
  name: 'invalid_image',
  param: 'image',
  message: /30000x30000/,
});
refused(
  'a picture of 51 MB',
  () => sendForm([image(Buffer.concat([png, Buffer.alloc(51 * MEGABYTE)]))]),
  { name: 'payload_too_large', param: 'image', message: /50 MB/ },
);
refused(
  'a mask of another size',
  async () => sendForm([image(png), image(await middleMask({ width: 64, height: 96 }), 'mask')]),
  { name: 'invalid_mask', param: 'mask', message: /64x96.*96x64/ },
);
refused('a mask without transparency', () => sendForm([image(png), image(png, 'mask')]), {
  name: 'invalid_mask',
  param: 'mask',
  message: /transparen/,
});
refused('a mask that is a text', () => sendForm([image(png), image(Buffer.from('x'), 'mask')]), {
  name: 'invalid_mask',
  param: 'mask',
});
refused(
  'two masks',
  async () => {
    const mask = image(await middleMask({ width: 96, height: 64 }), 'mask');
    return sendForm([image(png), mask, mask]);
  },
  { name: 'invalid_mask', param: 'mask' },
);
refused(
  'an edit on a model that only generates',
  () => sendForm([image(png)], [{ name: 'model', body: 'deepshi-banana-pro' }, ...FIELDS.slice(1)]),
  { name: 'edit_not_supported', param: 'model' },
);
refused(
  'a mask on a model without masks',
  async () =>
    sendForm(
      [image(png), image(await middleMask({ width: 96, height: 64 }), 'mask')],
      [{ name: 'model', body: 'nano-banana-2' }, ...FIELDS.slice(1)],
    ),
  { name: 'mask_not_supported', param: 'mask' },
);
refused('no prompt', () => sendForm([image(png)], FIELDS.slice(0, 1)), {
  name: 'missing_required_parameter',
  param: 'prompt',
});
refused('n in words', () => sendForm([image(png), { name: 'n', body: 'two' }]), {
  name: 'invalid_type',
  param: 'n',
});
refused(
  'a field twice',
  () => sendForm([image(png), { name: 'seed', body: '1' }, { name: 'seed', body: '2' }]),
  { name: 'invalid_value', param: 'seed' },
);
refused(
  'a text that is no UTF-8',
  () => sendForm([image(png), { name: 'user', body: Buffer.from([0xff, 0xfe]) }]),
  { name: 'invalid_value', param: 'user' },
);
refused(
  'texts without end',
  () => sendForm([image(png), { name: 'user', body: 'x'.repeat(2 * MEGABYTE) }]),
  { name: 'payload_too_large', param: 'user' },
);

const NOT_HTTPS = /: it is not https$/;
const NOT_PUBLIC = /: its (?:address|name) is not public$/;

for (const [url, reason] of [
  ['http://169.254.169.254/latest/meta-data', NOT_HTTPS],
  ['https://169.254.169.254/', NOT_PUBLIC],
  ['https://127.0.0.1:PORT/a.png', NOT_PUBLIC],
  ['https://2130706433:PORT/a.png', NOT_PUBLIC],
  ['https://127.1:PORT/a.png', NOT_PUBLIC],
  ['https://localhost:PORT/a.png', NOT_PUBLIC],
  ['https://0.0.0.0:PORT/a.png', NOT_PUBLIC],
  ['https://[::ffff:127.0.0.1]:PORT/a.png', NOT_PUBLIC],
  ['https://[::ffff:10.0.0.1]/a.png', NOT_PUBLIC],
  ['http://127.0.0.1:PORT/a.png', NOT_HTTPS],
  ['file:///etc/passwd', NOT_HTTPS],
  ['ftp://example.com/a.png', NOT_HTTPS],
  ['http://example.com/a.png', NOT_HTTPS],
  ['gopher://127.0.0.1:PORT/', NOT_HTTPS],
  ['https://user:pass@example.com/a.png', /: it names a user$/],
] as const) {
  const send = (): Promise<Response> =>
    sendJson({ images: [{ image_url: url.replace('PORT', inside.port) }] });
  refusedAddress(`the address ${url}`, send, { param: 'images.0.image_url', reason });
}
refusedAddress(
  'an address in a form',
  () => sendForm([{ name: 'image', body: `https://127.0.0.1:${inside.port}/` }]),
  { param: 'image', reason: NOT_PUBLIC },
);
for (const [host, reason] of [
  ['https://127.0.0.1:PORT', NOT_PUBLIC],
  ['https://localhost:PORT', NOT_PUBLIC],
  ['//127.0.0.1:PORT', NOT_HTTPS],
  ['https://10.0.0.1', NOT_PUBLIC],
] as const) {
  const send = (): Promise<Response> => {
    const to = encodeURIComponent(`${host.replace('PORT', inside.port)}/secret`);
    return sendJson({ image: `${files.url}/?to=${to}` });
  };
  refusedAddress(`an address that redirects to ${host}`, send, { param: 'image', reason });
}
refused(
  'an address that redirects without end',
  () => sendJson({ image: `${files.url}/?to=${encodeURIComponent('/?to=/?to=/?to=/?to=/')}` }),
  { name: 'image_url_refused', param: 'image' },
);
refused('an address with nothing there', () => sendJson({ image: `${files.url}/gone` }), {
  name: 'image_url_refused',
  param: 'image',
  message: /404/,
});
refused(
  'a download of a gigabyte, announced',
  () => sendJson({ image: `${files.url}/announced` }),
  {
    name: 'image_url_refused',
    param: 'image',
    message: /larger than 50 MB/,
  },
);

test('pictures of too many bytes in all', async () => {
  const images = [1, 2].map(() => ({ image_url: `${files.url}/padded` }));
  const response = await sendJson({ images });
  const { error } = asObject(await response.clone().json()) as { error: { param: string } };
  // Whichever of the two comes to the bound.
  assert.match(error.param, /^images\.[01]\.image_url$/);
  const expected = { name: 'payload_too_large', param: error.param, message: /in all/ } as const;
  await readError(response, expected);
  await assertNothingHappened();
});

test('a download without end is given up after 50 MB', async () => {
  const response = await sendJson({ image: `${files.url}/endless` });
  await readError(response, { name: 'image_url_refused', param: 'image', message: /50 MB/ });
  // What lies in the sockets' buffers has been sent, too.
  assert(files.sent.bytes < 60 * MEGABYTE, `${files.sent.bytes} bytes were sent`);
  await assertNothingHappened();
});

refusedAddress(
  'a mask at an address that is refused',
  () => sendJson({ image: dataUri(png), mask: `https://127.0.0.1:${inside.port}/mask.png` }),
  { param: 'mask', reason: NOT_PUBLIC },
);

refused(
  'a form that ends before its last boundary',
  async () => {
    const { contentType, body } = rawForm([...FIELDS, image(png)]);
    const headers = { 'content-type': contentType };
    return easel.get(EDITS, { method: 'POST', headers, body: body.subarray(0, body.length - 99) });
  },
  { name: 'invalid_value', message: /malformed/ },
);

refused(
  'a form without a boundary',
  () =>
    easel.get(EDITS, {
      method: 'POST',
      headers: { 'content-type': 'multipart/form-data' },
      body: 'x',
    }),
  { name: 'invalid_value', message: /boundary/ },
);

refused(
  'a form of 10,000 parts',
  () => sendForm(Array.from({ length: 10_000 }, (_, index) => ({ name: `f${index}`, body: 'x' }))),
  { name: 'invalid_value', message: /200 parts/ },
);

refused(
  'a body of another type',
  () =>
    easel.get(EDITS, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'x',
    }),
  { name: 'unsupported_media_type' },
);

refused(
  'a body that announces too much',
  async () => {
    const { contentType } = rawForm([]);
    const answer = await sendRaw(
      easel.url,
      `POST ${EDITS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${easel.key}\r\n` +
        `content-type: ${contentType}\r\ncontent-length: 99999999\r\n\r\n`,
    );
    return new Response(answer.body, { status: answer.status, headers: [...answer.headers] });
  },
  { name: 'payload_too_large' },
);

for (const [name, body, expected] of [
  ['JSON that is none', '{"image":', { name: 'invalid_json' }],
  ['a prototype', '{"image":"https://x.example/a","__proto__":{}}', { name: 'invalid_json' }],
  ['a list', '[]', { name: 'invalid_type' }],
  ['a number for a picture', '{"image":7}', { name: 'invalid_type', param: 'image' }],
  ['a picture without an address', '{"images":[{}]}', { name: 'invalid_value', param: 'images.0' }],
  [
    'a file id',
    '{"images":[{"file_id":"file-1"}]}',
    { name: 'invalid_value', param: 'images.0.file_id' },
  ],
  ['a text for a picture', '{"image":"a cat"}', { name: 'invalid_image', param: 'image' }],
  [
    'base64 of no picture',
    `{"image":"data:image/png;base64,${'QUJD'.repeat(999)}"}`,
    { name: 'invalid_image', param: 'image' },
  ],
  [
    'base64 that breaks off into something else',
    `{"image":"data:image/png;base64,iVBORw0KGgo${'A'.repeat(5001)}!"}`,
    { name: 'invalid_image', param: 'image' },
  ],
  [
    'a picture where none belongs',
    `{"image":"https://x.example/a","extra":{"url":"${'A'.repeat(4000)}"}}`,
    { name: 'invalid_value', param: 'extra.url' },
  ],
] as const satisfies readonly (readonly [string, string, ExpectedError])[]) {
  refused(
    name,
    () =>
      easel.get(EDITS, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }),
    expected,
  );
}

/** Sends the beginning of an upload and nothing more. */
async function beginUpload(): Promise<ReturnType<typeof connect>> {
  const { contentType, body } = rawForm([
    ...FIELDS,
    image(Buffer.concat([png, Buffer.alloc(3_000_000)])),
  ]);
  const { hostname, port } = new URL(easel.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(
    `POST ${EDITS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${easel.key}\r\n` +
      `content-type: ${contentType}\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.write(body.subarray(0, 2_500_000), resolve));
  return socket;
}

test('an upload that stops in the middle is answered, and leaves no file', async () => {
  const socket = await beginUpload();
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  assert.match(chunk.toString(), /^HTTP\/1\.1 400 .*"code":"invalid_value"/s);
  assert.match(chunk.toString(), /stopped arriving/);
  socket.destroy();
  await assertNothingHappened();
});

test('a client that leaves in the middle of its upload leaves no file', async () => {
  const socket = await beginUpload();
  socket.destroy();
  const isLogged = (): boolean =>
    easel.logLines.some(({ path, aborted }) => path === EDITS && aborted === true);
  while (!isLogged() || (await openSpoolFiles(easel.home)).length > 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await assertNothingHappened();
  assert.deepEqual(
    easel.logLines.filter(({ level }) => level === 50),
    [],
  );
});

/** Above what passing pictures need; below one bomb unfolded, or the five downloads kept whole. */
const GROWTH_BYTES_MAX = 150 * MEGABYTE;

test(
  'neither bombs nor downloads of a gigabyte raise the memory',
  { skip: process.platform === 'linux' ? false : 'the peak of a process is read from /proc' },
  async (context) => {
    await using folder = await temporaryFolder();
    const server = await spawnEasel(folder.path, { EASEL_FETCH_ALLOW: files.host });
    context.after(() => server.signal('SIGKILL'));
    const to = requesters(server.url, server.key);
    const pid = await pidOf(folder.path);
    // What an edit that is taken needs, is no matter here.
    const taken = await sendForm([image(png)], FIELDS, to);
    assert.equal(taken.status, 200);
    await taken.arrayBuffer();
    const before = await peakBytes(pid);
    const bytes = bomb();
    const refusedBy = async (sent: Promise<Response>): Promise<unknown> => {
      const response = await sent;
      assert.equal(response.status, 400);
      const { error } = asObject(await response.json());
      return asObject(error)['code'];
    };
    const bombs = await Promise.all(
      [
        sendForm([image(bytes)], FIELDS, to),
        sendForm([image(png), image(bytes, 'mask')], FIELDS, to),
        sendJson({ image: dataUri(bytes) }, to),
        sendJson({ image: `${files.url}/bomb` }, to),
      ].map(refusedBy),
    );
    assert.deepEqual(bombs, ['invalid_image', 'invalid_mask', 'invalid_image', 'invalid_image']);
    const afterBombs = await peakBytes(pid);
    const downloads = await Promise.all(
      ['announced', 'endless', 'endless', 'endless', 'endless', 'endless'].map((name) =>
        refusedBy(sendJson({ image: `${files.url}/${name}` }, to)),
      ),
    );
    assert.deepEqual(
      downloads,
      downloads.map(() => 'image_url_refused'),
    );
    const afterAll = await peakBytes(pid);
    const inMegabytes = [before, afterBombs, afterAll].map((peak) => Math.round(peak / MEGABYTE));
    context.diagnostic(`peak in MB: ${inMegabytes.join(', then ')}`);
    assert.ok(afterAll - before < GROWTH_BYTES_MAX, inMegabytes.join(', '));
  },
);

/** The process that serves a home: by its environment, which it keeps when it starts itself anew. */
async function pidOf(home: string): Promise<string> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (environment.split('\0').includes(`EASEL_HOME=${home}`)) {
      return pid;
    }
  }
  throw new Error(`no process serves ${home}`);
}

/** The most memory that a process ever held. */
async function peakBytes(pid: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  assert.ok(kibibytes !== undefined);
  return Number(kibibytes) * 1024;
}

test('a file under a name that nobody knows is ignored, and named in the warnings', async () => {
  const extra = { name: '0.image[].items', body: png, fileName: 'a.png' };
  const response = await sendForm([image(png), extra]);
  assert.equal(response.status, 200);
  const { warnings } = asObject(await response.json());
  assert.deepEqual(
    (warnings as readonly { param: string; code: string }[]).map(({ param, code }) => [
      param,
      code,
    ]),
    [['0.image[].items', 'ignored']],
  );
});

test('after all of that, an edit works', async () => {
  const response = await sendForm([image(png)]);
  assert.equal(response.status, 200);
  await response.arrayBuffer();
  assert.deepEqual(await openSpoolFiles(easel.home), []);
});
