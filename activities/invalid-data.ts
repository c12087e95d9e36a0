import { ApplicationFailure } from '@temporalio/activity';
import { INVALID_DATA } from '../contracts/temporal/campaign-lifecycle.js';
import { sqlStateOf } from '../infra/postgres.js';

/** SQLSTATE 22 (data exception) and 23 (integrity constraint violation): the input is wrong and stays wrong. */
const INVALID = /^2[23][0-9A-Z]{3}$/;

/** The same activities; one that PostgreSQL refuses for its input fails once and for good, with the type INVALID_DATA. */
export function failingOnInvalidData<A extends object>(activities: A): A {
  return new Proxy(activities, {
    get(target, name, receiver) {
      const activity: unknown = Reflect.get(target, name, receiver);
      if (typeof activity !== 'function') return activity;
      return async (...input: unknown[]): Promise<unknown> => {
        try {
          return await Reflect.apply(activity, target, input);
        } catch (error) {
          throw INVALID.test(sqlStateOf(error) ?? '') ? invalidData(error) : error;
        }
      };
    },
  });
}

function invalidData(cause: unknown): ApplicationFailure {
  const message = cause instanceof Error ? cause.message : String(cause);
  return ApplicationFailure.create({ message, type: INVALID_DATA, nonRetryable: true });
}
