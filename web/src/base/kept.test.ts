import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { ApiError, OfflineError } from './api.ts';
import { forgetKept, keep, keptAnswer, keptBefore, roomy } from './kept.ts';

/** As much of the browser's storage as is needed. */
class FakeStorage {
  [key: string]: unknown;
  getItem(key: string): string | null {
    return (this[key] as string | undefined) ?? null;
  }
  setItem(key: string, value: string): void {
    this[key] = value;
  }
  removeItem(key: string): void {
    delete this[key];
  }
}
beforeEach(() => {
  vi.stubGlobal('localStorage', new FakeStorage());
});
afterAll(() => void vi.unstubAllGlobals());

const says = (value: unknown) => async () => value;
const fails = (error: Error) => async () => {
  throw error;
};

it('gives the last answer when the server cannot be reached, and the newest when it can', async () => {
  expect(await keptAnswer('me', says({ name: 'Ada' }))).toEqual({ name: 'Ada' });
  expect(await keptAnswer('me', fails(new OfflineError()))).toEqual({ name: 'Ada' });
  expect(await keptAnswer('me', fails(new ApiError(503, {})))).toEqual({ name: 'Ada' });
  await keptAnswer('me', says({ name: 'Bea' }));
  expect(await keptAnswer('me', fails(new OfflineError()))).toEqual({ name: 'Bea' });
});

it('passes on what the server refuses, and what was never answered', async () => {
  await keptAnswer('me', says({ name: 'Ada' }));
  await expect(keptAnswer('me', fails(new ApiError(403, {})))).rejects.toThrow('403');
  await expect(keptAnswer('other', fails(new OfflineError()))).rejects.toThrow(OfflineError);
});

it('forgets what it kept and nothing else', async () => {
  localStorage.setItem('tenet draft 1', 'x');
  await keptAnswer('me', says(1));
  forgetKept();
  await expect(keptAnswer('me', fails(new OfflineError()))).rejects.toThrow(OfflineError);
  expect(localStorage.getItem('tenet draft 1')).toBe('x');
});

it('makes room for what must not be lost', () => {
  // Room for twelve characters.
  const { setItem } = FakeStorage.prototype;
  vi.spyOn(FakeStorage.prototype, 'setItem').mockImplementation(function (this: FakeStorage, key, value) {
    const others = Object.keys(this).filter((other) => other !== key);
    const size = others.reduce((sum, other) => sum + String(this[other]).length, value.length);
    if (size > 12) throw new DOMException('full', 'QuotaExceededError');
    setItem.call(this, key, value);
  });
  try {
    keep('tasks', 'tttttt');
    roomy.setItem('outbox', 'answers');
    expect([roomy.getItem('outbox'), keptBefore('tasks')]).toEqual(['answers', null]);
    expect(() => roomy.setItem('outbox', 'more than there is room for')).toThrow('full');
  } finally {
    vi.restoreAllMocks();
  }
});
