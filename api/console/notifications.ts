import { z } from 'zod';
import {
  notificationParamsSchema,
  notificationQuerySchema,
  notificationSchema,
  unreadCountSchema,
} from '../../contracts/http/notifications.js';
import { ROLES } from '../../domain/access.js';
import { renderNotification } from '../../domain/notification-text.js';
import {
  countUnread,
  type InboxRow,
  listInbox,
  markAllRead,
  markRead,
} from '../../operations/notification-inbox.js';
import { decodeCursor, pageQuerySchema, pageSchema, toPage } from '../kit/page.js';
import { defineRoute, type RouteDefinition } from '../kit/route.js';
import { isoTime } from './campaign-requests.js';
import type { ConsoleDeps } from './deps.js';

const tags = ['Notifications'];
const access = { roles: [...ROLES], applicants: true } as const;

export function notificationRoutes({ pool }: Pick<ConsoleDeps, 'pool'>): RouteDefinition[] {
  return [
    defineRoute({
      method: 'get',
      path: '/v1/notifications',
      summary: 'The inbox, the newest first: of the own company, or of the own role.',
      tags,
      access,
      query: pageQuerySchema.extend(notificationQuerySchema.shape),
      responses: {
        200: {
          description: 'Notices.',
          schema: pageSchema(notificationSchema).extend(unreadCountSchema.shape),
        },
      },
      handler: async ({ actor, query }) => {
        const cursor = decodeCursor(query.cursor, z.tuple([z.number(), z.uuid()]));
        if (!cursor.ok) return cursor;
        const page = { unread: query.unread === 'true', before: cursor.value, limit: query.limit + 1 };
        const [rows, unread] = await Promise.all([listInbox(pool, actor, page), countUnread(pool, actor)]);
        const positionOf = (row: InboxRow) => [row.createdAt, row.id];
        return { status: 200, body: { ...toPage(rows, query.limit, inboxBody, positionOf), unread } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/notifications/unread-count',
      summary: 'How many notices nobody has read.',
      tags,
      access,
      responses: { 200: { description: 'The count.', schema: unreadCountSchema } },
      handler: async ({ actor }) => ({ status: 200, body: { unread: await countUnread(pool, actor) } }),
    }),
    defineRoute({
      method: 'post',
      path: '/v1/notifications/{id}/read',
      summary: 'Marks one notice as read. Safe to repeat.',
      tags,
      access,
      params: notificationParamsSchema,
      responses: { 200: { description: 'The notice.', schema: notificationSchema } },
      handler: async ({ actor, params }) => {
        const read = await markRead(pool, actor, params.id);
        return read.ok ? { status: 200, body: inboxBody(read.value) } : read;
      },
    }),
    defineRoute({
      method: 'post',
      path: '/v1/notifications/read-all',
      summary: 'Marks everything as read. Safe to repeat.',
      tags,
      access,
      responses: { 200: { description: 'What is left.', schema: unreadCountSchema } },
      handler: async ({ actor }) => {
        await markAllRead(pool, actor);
        return { status: 200, body: { unread: await countUnread(pool, actor) } };
      },
    }),
  ];
}

function inboxBody(row: InboxRow): z.input<typeof notificationSchema> {
  const text = renderNotification(row.template, row.variables);
  const unknown = { subject: row.template, body: '' };
  return {
    id: row.id,
    template: row.template,
    ko: text?.ko ?? unknown,
    en: text?.en ?? unknown,
    createdAt: isoTime(row.createdAt),
    readAt: row.readAt === null ? null : isoTime(row.readAt),
  };
}
