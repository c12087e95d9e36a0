import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** All of ours have the type Keyword. */
export const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
