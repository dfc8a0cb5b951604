import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { KeyView } from '../../admin/lookups.ts';
import { Failure } from '../../base/errors.ts';
import {
  AdminCreatedKey,
  AdminDeleted,
  AdminKey,
  AdminKeyChanges,
  AdminKeyCreation,
  AdminKeyList,
  AdminKeysQuery,
} from '../../contract/admin.ts';
import { limitsBody, limitsFrom } from '../../contract/admin-limits.ts';
import { actorOf } from '../requestContext.ts';
import type { AdminParts } from './admin-accounts.ts';
import { ADMIN, adminQuery, adminSchema, orNull, unixSeconds } from './admin-route.ts';

export interface AdminKeyParts extends AdminParts {
  /** Whether the catalogue has this model. */
  readonly isModel: (id: string) => boolean;
  readonly nowMs: () => number;
}

const IdParams = z.object({ id: z.string() });
interface ById {
  Params: { readonly id: string };
}

/** `/admin/v1/keys`: made, changed, rotated, revoked and deleted; never shown again. */
export function adminKeyRoutes(server: FastifyInstance, parts: AdminKeyParts): void {
  const { actions, lookups, nowMs } = parts;
  const bodyOf = async (id: string): Promise<z.output<typeof AdminKey>> =>
    keyBody(await lookups.key(id), nowMs());

  server.get<{ Querystring: z.output<typeof AdminKeysQuery> }>('/admin/v1/keys', {
    ...adminQuery(AdminKeysQuery, 'listKeys', 'List keys', AdminKeyList, 'NotFound'),
    handler: async (request) => {
      const keys = await lookups.keys(request.query.account_id);
      return { object: 'list', data: keys.map((key) => keyBody(key, nowMs())), has_more: false };
    },
  });

  server.post<{ Body: z.output<typeof AdminKeyCreation> }>('/admin/v1/keys', {
    config: ADMIN,
    schema: {
      ...adminSchema('createKey', 'Make a key', AdminCreatedKey, 'NotFound'),
      body: AdminKeyCreation,
    },
    handler: async (request) => {
      const { account_id: accountId, mode, name, allowed_models: models, expires } = request.body;
      checkModels(parts, models);
      const { record, secret } = await actions.createKey(actorOf(request), {
        accountId,
        mode,
        name,
        allowedModels: models ?? undefined,
        expiresAt: expires === null || expires === undefined ? undefined : expires * 1000,
        limits: limitsFrom(request.body.limits),
      });
      return { ...(await bodyOf(record.id)), secret };
    },
  });

  server.get<ById>('/admin/v1/keys/:id', {
    config: ADMIN,
    schema: {
      ...adminSchema('getKey', 'Look a key up', AdminKey, 'NotFound'),
      params: IdParams,
    },
    handler: async (request) => bodyOf(request.params.id),
  });

  server.patch<ById & { Body: z.output<typeof AdminKeyChanges> }>('/admin/v1/keys/:id', {
    config: ADMIN,
    schema: {
      ...adminSchema('updateKey', 'Change a key', AdminKey, 'NotFound'),
      params: IdParams,
      body: AdminKeyChanges,
    },
    handler: async (request) => {
      const { name, allowed_models: allowedModels, expires, limits } = request.body;
      checkModels(parts, allowedModels);
      await actions.updateKey(actorOf(request), request.params.id, {
        name,
        allowedModels,
        expiresAt: typeof expires === 'number' ? expires * 1000 : expires,
        limits: limitsFrom(limits),
      });
      return bodyOf(request.params.id);
    },
  });

  endingRoutes(server, parts, bodyOf);
}

function endingRoutes(
  server: FastifyInstance,
  { actions }: AdminKeyParts,
  bodyOf: (id: string) => Promise<z.output<typeof AdminKey>>,
): void {
  server.post<ById>('/admin/v1/keys/:id/rotate', {
    config: ADMIN,
    schema: {
      ...adminSchema('rotateKey', 'Replace a key by another one', AdminCreatedKey, 'NotFound'),
      params: IdParams,
    },
    handler: async (request) => {
      const { record, secret } = await actions.rotateKey(actorOf(request), request.params.id);
      return { ...(await bodyOf(record.id)), secret };
    },
  });

  server.post<ById>('/admin/v1/keys/:id/revoke', {
    config: ADMIN,
    schema: {
      ...adminSchema('revokeKey', 'Revoke a key', AdminKey, 'NotFound'),
      params: IdParams,
    },
    handler: async (request) => {
      await actions.revokeKey(actorOf(request), request.params.id);
      return bodyOf(request.params.id);
    },
  });

  server.delete<ById>('/admin/v1/keys/:id', {
    config: ADMIN,
    schema: {
      ...adminSchema('deleteKey', 'Delete a key', AdminDeleted, 'NotFound'),
      params: IdParams,
    },
    handler: async (request) => {
      const { id } = request.params;
      await actions.deleteKey(actorOf(request), id);
      return { id, deleted: true };
    },
  });
}

function checkModels(
  { isModel }: AdminKeyParts,
  models: readonly string[] | null | undefined,
): void {
  const unknown = models?.find((model) => !isModel(model));
  if (unknown !== undefined) {
    const message = `There is no model '${unknown}'.`;
    throw new Failure('invalid_value', { param: 'allowed_models', message });
  }
}

function keyBody(key: KeyView, nowMs: number): z.output<typeof AdminKey> {
  const { id, accountId, mode, name, hint, allowedModels, limits } = key;
  const { createdAt, expiresAt, revokedAt } = key;
  const isExpired = expiresAt !== undefined && expiresAt <= nowMs;
  return {
    id,
    account_id: accountId,
    mode,
    name,
    hint,
    state: revokedAt === undefined ? (isExpired ? 'expired' : 'active') : 'revoked',
    allowed_models: allowedModels === undefined ? null : [...allowedModels],
    limits: limitsBody(limits),
    created: unixSeconds(createdAt),
    expires: orNull(expiresAt === undefined ? undefined : unixSeconds(expiresAt)),
    revoked: orNull(revokedAt === undefined ? undefined : unixSeconds(revokedAt)),
  };
}
