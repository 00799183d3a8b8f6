/**
 * The documented answers of Iterable. Unknown properties are ignored, since Iterable may add some at any time; an answer that
 * does not match is a failed call.
 */
import * as z from 'zod';

const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

const failedUpdates = z.looseObject({
  invalidEmails: texts,
  invalidUserIds: texts,
  notFoundEmails: texts,
  notFoundUserIds: texts,
  invalidDataEmails: texts,
  invalidDataUserIds: texts,
  conflictEmails: texts,
  conflictUserIds: texts,
  forgottenEmails: texts,
  forgottenUserIds: texts,
});

/** Answer of users/bulkUpdate, lists/subscribe and lists/unsubscribe. */
export const bulkAnswerSchema = z.looseObject({
  successCount: z.number().int().nonnegative(),
  failCount: z.number().int().nonnegative(),
  createdFields: texts,
  filteredOutFields: texts,
  invalidEmails: texts,
  invalidUserIds: texts,
  failedUpdates: failedUpdates.nullish().transform((lists) => lists ?? failedUpdates.parse({})),
});
export type BulkAnswer = z.infer<typeof bulkAnswerSchema>;

export const fieldsAnswerSchema = z.looseObject({ fields: z.record(z.string(), z.string()) });

const listSchema = z.looseObject({
  id: z.number(),
  name: z.string(),
  createdAt: z.number().nullish(),
  listType: z.string(),
});
export const listsAnswerSchema = z.looseObject({ lists: z.array(listSchema) });
/** Answer of POST lists. */
export const createdListSchema = z.looseObject({ listId: z.number() });
export type IterableList = z.infer<typeof listSchema>;

/** For an unknown user Iterable answers 200 with `{}`. */
export const userAnswerSchema = z.looseObject({
  user: z
    .looseObject({
      email: z.string().nullish(),
      userId: z.string().nullish(),
      dataFields: z.looseObject({}).nullish(),
    })
    .nullish(),
});
export type IterableUser = NonNullable<z.infer<typeof userAnswerSchema>['user']>;

/** One line of an export of users, requested with identities only. */
export const exportedUserSchema = z.looseObject({
  email: z.string().nullish(),
  userId: z.string().nullish(),
});
export type ExportedUser = z.infer<typeof exportedUserSchema>;

export const plainAnswerSchema = z.looseObject({ code: z.string(), msg: z.string().nullish() });

/** `params` of a 400 `BadJsonBody`: JSON path (`obj.users[1].preferUserId`, positions from 0) → why it can't be read. */
export const unreadableParamsSchema = z.record(z.string(), z.string());

/** `params` of a 400 `UniqueFieldsLimitExceeded`: the project's field limit, the number it would have, and the new fields. */
export const fieldsLimitParamsSchema = z.looseObject({
  limit: z.number().nullish().catch(undefined),
  requestedTotal: z.number().nullish().catch(undefined),
  newFields: texts.catch([]),
});

/** `params` of a 400 `RequestFieldsTypesMismatched`: the field, and the value that has the wrong type. */
export const mismatchParamsSchema = z.looseObject({
  validationErrors: z.record(
    z.string(),
    z.looseObject({
      expectedType: z.string().nullish(),
      offendingValue: z.unknown().optional(),
      incomingTypes: z.array(z.string()).nullish(),
    }),
  ),
});
