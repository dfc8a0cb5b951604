import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { UpstreamFailure } from '../base/upstream-failure.ts';
import type { EgressAnswer } from './egress.ts';
import { guardedConnector, type Lookup } from './guarded.ts';
import { readText } from './read-body.ts';
import { REFUSED_URLS } from './test-refused-urls.ts';
import { egressTo, freePort, httpUpstream, listen, post, rawUpstream } from './test-upstream.ts';

const MEBIBYTE = 1024 * 1024;

function assertRefused(error: unknown, internal: RegExp): true {
  assert.ok(error instanceof UpstreamFailure, String(error));
  assert.equal(error.errorName, 'upstream_error');
  assert.equal(error.billed, 'unknown', 'the picture was bought before');
  assert.match(error.internal ?? '', internal);
  return true;
}

function signal(): AbortSignal {
  return new AbortController().signal;
}

/** A resolver that answers what the test says, and remembers what it was asked. */
function resolver(...answers: string[][]) {
  const asked: string[] = [];
  const lookup: Lookup = (hostname, _options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return { asked, lookup };
}

test(`${REFUSED_URLS.length} URLs, none of which is even resolved`, async (t) => {
  const upstream = await rawUpstream(t, (socket) => socket.end());
  const { asked, lookup } = resolver(['127.0.0.1']);
  const egress = egressTo(t, 'https://api.example.com/v1', { lookup });
  for (const pattern of REFUSED_URLS) {
    const url = pattern.replaceAll('PORT', String(upstream.port));
    await assert.rejects(
      egress.download({ url, signal: signal() }),
      (error) => assertRefused(error, /was not fetched: /),
      pattern,
    );
  }
  assert.deepEqual(asked, []);
  assert.equal(upstream.connections.length, 0);
});

test('names that lead to an address which is not public', async (t) => {
  const upstream = await rawUpstream(t, (socket) => socket.end());
  const table = [
    ['127.0.0.1'],
    ['10.0.0.1'],
    ['169.254.169.254'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['fd00:ec2::254'],
    ['64:ff9b::7f00:1'],
    ['fe80::1%eth0'],
    // One bad address among good ones.
    ['93.184.215.14', '127.0.0.1'],
    ['127.0.0.1', '2606:4700::1'],
    // None, or nothing that is an address.
    [],
    ['0x7f000001'],
    ['localhost'],
  ];
  for (const addresses of table) {
    const { asked, lookup } = resolver(addresses);
    const egress = egressTo(t, 'https://api.example.com/v1', { lookup });
    const url = `https://pictures.example.com:${upstream.port}/a.png`;
    await assert.rejects(
      egress.download({ url, signal: signal() }),
      (error) => assertRefused(error, /leads to an address that is not public/),
      addresses.join(),
    );
    assert.deepEqual(asked, ['pictures.example.com']);
  }
  assert.equal(upstream.connections.length, 0);
});

test('a name that changes its mind (rebinding) is asked once', async (t) => {
  const upstream = await rawUpstream(t, (socket) => socket.end());
  // 2000::/16 is given to nobody: connecting fails, which shows where it went.
  const { asked, lookup } = resolver(['2000::1'], ['127.0.0.1']);
  const egress = egressTo(t, 'https://api.example.com/v1', { lookup, connectMs: 100 });
  const url = `https://rebind.example.com:${upstream.port}/a.png`;
  await assert.rejects(egress.download({ url, signal: signal() }), (error) =>
    assertRefused(error, /UNREACH|TIMEOUT|ETIMEDOUT|EADDRNOTAVAIL|EACCES/),
  );
  assert.deepEqual(asked, ['rebind.example.com']);
  // Its second answer is looked at anew, and refused.
  await assert.rejects(egress.download({ url, signal: signal() }), (error) =>
    assertRefused(error, /leads to an address that is not public/),
  );
  assert.equal(asked.length, 2);
  assert.equal(upstream.connections.length, 0);
});

test('the connector itself refuses addresses, for which Node resolves nothing', async (t) => {
  const upstream = await rawUpstream(t, (socket) => socket.end());
  const connect = guardedConnector({ trustedHosts: new Set(), connectMs: 1000 });
  const port = String(upstream.port);
  const { promise, resolve } = Promise.withResolvers<unknown>();
  connect({ hostname: '127.0.0.1', host: upstream.host, protocol: 'https:', port }, (...args) => {
    resolve(args[0]);
  });
  assertRefused(await promise, /address is not public/);
  assert.equal(upstream.connections.length, 0);
});

test('trusted hosts are reached by plain http, by exactly that port', async (t) => {
  const listener: RequestListener = (_request, response) => {
    response.end('picture');
  };
  const own = await httpUpstream(t, listener);
  const allowed = await httpUpstream(t, listener);
  const neither = await httpUpstream(t, listener);
  const egress = egressTo(t, `${own.url}/v1`, { trustedHosts: new Set([allowed.host]) });
  for (const { url } of [own, allowed]) {
    const answer = await egress.download({ url: `${url}/a.png`, signal: signal() });
    assert.equal(answer.status, 200);
    assert.equal(await readText(answer, 100), 'picture');
  }
  const { url } = neither;
  await assert.rejects(egress.download({ url, signal: signal() }), (error) =>
    assertRefused(error, /not https/),
  );
  assert.equal(neither.connections.length, 0);
});

test('a trusted name may lead anywhere', async (t) => {
  const upstream = await httpUpstream(t, (_request, response) => {
    response.end('picture');
  });
  const { asked, lookup } = resolver(['127.0.0.1']);
  const trustedHosts = new Set([`engine.local:${upstream.port}`]);
  const egress = egressTo(t, 'https://api.example.com', { lookup, trustedHosts });
  const url = `http://engine.local:${upstream.port}/a.png`;
  assert.equal(await readText(await egress.download({ url, signal: signal() }), 100), 'picture');
  assert.deepEqual(asked, ['engine.local']);
});

/** A trusted upstream that redirects each path as the table says, and keeps its requests. */
async function redirector(t: TestContext, locations: Record<string, string>, status = 302) {
  const heads: string[] = [];
  const upstream = await httpUpstream(t, (request, response) => {
    heads.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
    const location = locations[request.url ?? ''];
    if (location === undefined) {
      response.end('picture');
      return;
    }
    response.writeHead(status, { location, 'set-cookie': 'a=b; path=/' });
    response.end('moved');
  });
  return { ...upstream, heads };
}

test('redirects are followed, three at most, and never with a cookie or credential', async (t) => {
  for (const status of [301, 302, 303, 307, 308]) {
    const locations = { '/3': '/2?x=1', '/2?x=1': './1', '/1': '/0', '/4': '/3', '/loop': '/loop' };
    const upstream = await redirector(t, locations, status);
    const egress = egressTo(t, upstream.url);
    await egress.request(post(upstream.url, { headers: { authorization: 'Bearer secret' } }));
    const url = `${upstream.url}/3`;
    const answer = await egress.download({ url, signal: signal() });
    assert.equal(await readText(answer, 100), 'picture');
    assert.equal(upstream.heads.length, 5);
    for (const head of upstream.heads.slice(1)) {
      assert.match(head, /^GET /);
      assert.doesNotMatch(head, /cookie|authorization|secret|referer/);
    }
    for (const path of ['/4', '/loop']) {
      upstream.heads.length = 0;
      await assert.rejects(
        egress.download({ url: upstream.url + path, signal: signal() }),
        (error) => assertRefused(error, /redirects more than 3 times/),
      );
      assert.equal(upstream.heads.length, 4);
    }
  }
});

test('each redirect is checked like the first URL', async (t) => {
  const victim = await httpUpstream(t, (_request, response) => {
    response.end('secret');
  });
  const table = [
    victim.url,
    `https://${victim.host}/`,
    `//${victim.host}/`,
    `https://localhost:${victim.port}/`,
    'http://example.com/',
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:127.0.0.1]/',
    'https://0x7f000001/',
    'https://user:pass@example.com/',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
    'https://[nonsense/',
    `https://pictures.example.com:${victim.port}/`,
  ];
  for (const location of table) {
    const upstream = await redirector(t, { '/a.png': location });
    const { lookup } = resolver(['127.0.0.1']);
    const egress = egressTo(t, upstream.url, { lookup });
    const url = `${upstream.url}/a.png`;
    await assert.rejects(
      egress.download({ url, signal: signal() }),
      (error) => assertRefused(error, /was not fetched: /),
      location,
    );
    assert.equal(upstream.heads.length, 1);
  }
  assert.equal(victim.connections.length, 0);
});

test('a redirect to nowhere', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.end('HTTP/1.1 304 Not Modified\r\n\r\n');
  });
  const egress = egressTo(t, upstream.url);
  await assert.rejects(egress.download({ url: upstream.url, signal: signal() }), (error) =>
    assertRefused(error, /leads nowhere/),
  );
});

async function drain({ body }: EgressAnswer): Promise<void> {
  for await (const chunk of body) {
    void chunk;
  }
}

test('caps on bytes and on time', async (t) => {
  const upstream = await httpUpstream(t, (request, response) => {
    if (request.url === '/announced') {
      response.end(Buffer.alloc(2 * MEBIBYTE));
      return;
    }
    const timer = setInterval(() => response.write(Buffer.alloc(1000)), 1);
    response.on('close', () => {
      clearInterval(timer);
    });
  });
  const byBytes = egressTo(t, upstream.url, { downloadBytesMax: 20_000 });
  for (const path of ['/announced', '/chunked']) {
    const downloading = byBytes.download({ url: upstream.url + path, signal: signal() });
    await assert.rejects(downloading.then(drain), (error) =>
      assertRefused(error, /more than 20000 bytes/),
    );
  }
  const byTime = egressTo(t, upstream.url, { downloadMs: 80 });
  const downloading = byTime.download({ url: `${upstream.url}/chunked`, signal: signal() });
  await assert.rejects(downloading.then(drain), {
    errorName: 'upstream_timeout',
    billed: 'unknown',
    internal: /took longer than/,
  });
});

test('a download that fails is never "not billed": the picture was bought', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`;
  await assert.rejects(egressTo(t, url).download({ url, signal: signal() }), (error) =>
    assertRefused(error, /ECONNREFUSED/),
  );
});

test("the caller's signal ends a download, with its reason", async (t) => {
  const controller = new AbortController();
  const upstream = await rawUpstream(t, () => {
    controller.abort(new Error('cancelled'));
  });
  const { url } = upstream;
  const egress = egressTo(t, url);
  await assert.rejects(egress.download({ url, signal: controller.signal }), /cancelled/);
});

/** A certificate for `name`, signed by itself. Undefined where there is no openssl. */
function selfSigned(t: TestContext, name: string): { key: string; cert: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'easel-tls-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  try {
    execFileSync('openssl', ['req', '-x509', ...curve, ...names, '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
}

test('TLS: certificates are checked, and large bodies come whole', async (t) => {
  const certificate = selfSigned(t, 'engine.example.com');
  if (certificate === undefined) {
    t.skip('openssl is not installed');
    return;
  }
  const picture = Buffer.alloc(3 * MEBIBYTE, 'picture');
  const server = createTlsServer(certificate, (_request, response) => {
    response.end(picture);
  });
  const upstream = await listen(t, server);
  const { lookup } = resolver(['127.0.0.1']);
  const url = `https://engine.example.com:${upstream.port}`;
  const wrong = `https://other.example.com:${upstream.port}`;
  const trustedHosts = new Set([new URL(wrong).host]);
  const egress = egressTo(t, url, { lookup, trustedHosts });

  await assert.rejects(egress.request(post(url)), {
    errorName: 'upstream_error',
    billed: 'no',
    internal: /SELF_SIGNED/,
  });

  const before = getCACertificates('default');
  setDefaultCACertificates([...before, certificate.cert]);
  t.after(() => {
    setDefaultCACertificates(before);
  });
  const bought = await egress.request(post(url));
  assert.equal((await readText(bought, 4 * MEBIBYTE)).length, picture.length);
  const downloaded = await egress.download({ url, signal: signal() });
  assert.equal((await readText(downloaded, 4 * MEBIBYTE)).length, picture.length);

  await assert.rejects(egress.request(post(wrong)), {
    errorName: 'upstream_error',
    billed: 'no',
    internal: /ALTNAME_INVALID/,
  });
});
