// SPDX-License-Identifier: GPL-3.0-or-later
// What a program cannot do alone: it writes one line {"ask": ..., ...} and reads one line, the answer of the test (tests/e2e/test_npm_clients.py).
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
export const settings = JSON.parse(process.argv[2]);

export async function ask(what, value) {
  process.stdout.write(JSON.stringify({ ask: what, value }) + '\n');
  return JSON.parse((await lines.next()).value);
}
export function check(condition, text) {
  if (!condition) throw new Error(`not so: ${text}`);
}
/** The call must be refused with this OAuth error. */
export async function refused(error, call) {
  try {
    await call();
  } catch (e) {
    const got = e.error ?? e.cause?.error ?? e.code ?? e.message;
    check(got === error, `${error}, but ${got}: ${e.message}`);
    return;
  }
  throw new Error(`not refused: ${error}`);
}
export function end() {
  process.stdout.write(JSON.stringify({ ask: 'end' }) + '\n');
  process.exit(0);
}
