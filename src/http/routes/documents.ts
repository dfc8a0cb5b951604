import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Failure } from '../../base/errors.ts';

/** Scripts, styles and pictures come from this server alone; nothing inline, nothing foreign. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
  "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
};

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Easel API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="playground"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/playground.js"></script>
`;

const PLAYGROUND = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#playground',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

/** `/openapi.json`, and `/docs`: the same document as a page that sends real requests. */
export function documentRoutes(server: FastifyInstance): void {
  const hidden = { hide: true } as const;
  server.get('/', { config: { access: 'open' }, schema: hidden }, async (_request, reply) =>
    reply.redirect('/docs'),
  );

  server.get('/openapi.json', { config: { access: 'open' }, schema: hidden }, async () =>
    server.swagger(),
  );

  server.get('/docs', { config: { access: 'open' }, schema: hidden }, async (_request, reply) =>
    reply
      .headers({ 'content-security-policy': PAGE_POLICY, 'referrer-policy': 'no-referrer' })
      .type('text/html; charset=utf-8')
      .send(PAGE),
  );

  server.get('/docs/playground.js', { config: { access: 'open' }, schema: hidden }, (_, reply) =>
    reply.type('text/javascript; charset=utf-8').send(PLAYGROUND),
  );

  const assetsFolder = join(
    createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'),
    '..',
  );
  server.get<{ Params: { asset: string } }>(
    '/docs/:asset',
    { config: { access: 'open' }, schema: hidden },
    async (request, reply) => {
      const type = ASSETS[request.params.asset];
      if (type === undefined) {
        throw new Failure('not_found');
      }
      const bytes = await readFile(join(assetsFolder, request.params.asset));
      return reply.type(type).header('cache-control', 'max-age=3600').send(bytes);
    },
  );
}
