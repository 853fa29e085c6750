import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { Markdown } from './markdown.tsx';

const rendered = (text: string): string => renderToStaticMarkup(createElement(Markdown, { text }));

it.each<[string, string]>([
  ['a script', '<script>alert(1)</script>'],
  ['a tag within a line', 'see <img src=x onerror="alert(1)"> there'],
  ['a block of HTML', '<div onclick="x()">\n\ntext\n\n</div>'],
  ['a link that is code', '[click](javascript:alert(1))'],
  ['a link that is data', '[click](data:text/html,<script>1</script>)'],
  ['a hidden link', '[click](JaVaScRiPt:alert(1)) and <javascript:alert(1)>'],
  ['a picture', '![alt text](https://evil.example/track.png)'],
  ['a style', '<style>*{display:none}</style><iframe src="/"></iframe>'],
])('shows %s as text', (_, text) => {
  const html = rendered(text);
  expect(html).not.toMatch(/<(script|img|div [^c]|style|iframe|svg)/i);
  expect(html).not.toMatch(/href="(?!https?:|mailto:)/i);
  expect(html).not.toMatch(/<[^>]*\son\w+=/i);
});

it('shows what Markdown is for', () => {
  const html = rendered(
    '# Title\n\nSome **bold** `code` &amp; [a link](https://example.org).\n\n- one\n- two\n\n```\nx < 1\n```',
  );
  for (const part of [
    '<strong>bold</strong>',
    '<code>code</code> &amp; ',
    'href="https://example.org"',
    '<li>one</li>',
    'x &lt; 1',
  ]) {
    expect(html).toContain(part);
  }
});

it.each<[string, string]>([
  ['quotes', `${'>'.repeat(20_000)} x`],
  ['quotes and lists', `${'> - 1. '.repeat(5000)}x`],
  ['lists, line by line', Array.from({ length: 2000 }, (_, i) => `${'  '.repeat(i)}- x`).join('\n')],
])('shows %s in each other without end as they stand', (_, text) => {
  const html = rendered(text);
  expect(html).toMatch(/^<div class="markdown" dir="auto"><p class="plain">/);
  expect(html.length).toBeGreaterThan(text.length);
});

it('shows quotes and lists in each other as deep as anybody means them', () => {
  expect(rendered(`${'> '.repeat(20)}deep`).match(/<blockquote>/g)).toHaveLength(20);
  const list = Array.from({ length: 20 }, (_, i) => `${'  '.repeat(i)}- x`).join('\n');
  expect(rendered(list).match(/<ul>/g)).toHaveLength(20);
  expect(rendered('-'.repeat(500))).toContain('<hr');
});
