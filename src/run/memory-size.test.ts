import { describe, expect, it } from 'vitest';
import { bytesOf, memorySize } from './memory-size.ts';

describe('memory sizes', () => {
  it('are read in decimal and binary units', () => {
    expect(bytesOf('8GB')).toBe(8e9);
    expect(bytesOf(' 1.5 GiB ')).toBe(1.5 * 2 ** 30);
    expect(bytesOf('512MB')).toBe(512e6);
    expect(bytesOf('3MiB')).toBe(3 * 2 ** 20);
  });

  it.each(['8', 'GB', '-1GB', '8 gb', '8TB', '1e3MB'])('refuse %s', (text) => {
    expect(memorySize().safeParse(text).success).toBe(false);
  });
});
