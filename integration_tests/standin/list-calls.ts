/** The calls on lists. */
import type { Handler } from './context.ts';

export const getLists: Handler = ({ lists }) => ({ status: 200, body: { lists: lists.read() } });
