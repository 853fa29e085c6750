/**
 * Markdown of strangers as elements, never as HTML: what looks like a tag is shown as text, links open elsewhere and
 * say where, pictures are not loaded.
 */
import { lexer, type Token, type Tokens } from 'marked';
import { Fragment, memo, type ReactNode } from 'react';

export const Markdown = memo(function Markdown({ text }: { readonly text: string }): ReactNode {
  return (
    <div className="markdown" dir="auto">
      {isBottomless(text) ? (
        <p className="plain">{text}</p>
      ) : (
        blocks(lexer(text, { gfm: true, breaks: true }))
      )}
    </div>
  );
});

/** Quotes and lists one in the other on one line, and a list that is far to the right because it stands in others. */
const onOneLine = /^(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])[ \t])){100}/m;
const byIndent = /^(?: {2}|\t){100,} ?(?:[-*+]|\d{1,9}[.)])[ \t]/m;

/**
 * Whether quotes or lists stand in each other a hundred deep, as a model writes that has got stuck on one character. Reading
 * them takes long first, and then more stack than there is.
 */
function isBottomless(text: string): boolean {
  return onOneLine.test(text) || byIndent.test(text);
}

function blocks(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{block(token as Tokens.Generic)}</Fragment>);
}

function block(token: Tokens.Generic): ReactNode {
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading': {
      // Headings in a text are no headings of the page.
      return (
        <p className={`heading level-${token.depth}`}>
          <strong>{inline(token.tokens ?? [])}</strong>
        </p>
      );
    }
    case 'paragraph':
      return <p>{inline(token.tokens ?? [])}</p>;
    case 'blockquote':
      return <blockquote>{blocks(token.tokens ?? [])}</blockquote>;
    case 'code':
      return (
        <pre tabIndex={0}>
          <code>{token.text}</code>
        </pre>
      );
    case 'hr':
      return <hr />;
    case 'list': {
      const items = (token as Tokens.List).items.map((item, index) => (
        <li key={index}>
          {item.task && <span>{item.checked ? '☑ ' : '☐ '}</span>}
          {blocks(item.tokens)}
        </li>
      ));
      return token.ordered ? <ol start={Number(token.start) || 1}>{items}</ol> : <ul>{items}</ul>;
    }
    case 'table':
      return table(token as Tokens.Table);
    case 'text':
      return token.tokens ? inline(token.tokens) : decoded(token.text);
    default:
      return <p>{token.raw}</p>;
  }
}

function table({ header, rows, align }: Tokens.Table): ReactNode {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            {header.map((cell, i) => (
              <th key={i} data-align={align[i] ?? undefined}>
                {inline(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, r) => (
            <tr key={r}>
              {row.map((cell, i) => (
                <td key={i} data-align={align[i] ?? undefined}>
                  {inline(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inline(tokens: readonly Token[]): ReactNode {
  return tokens.map((token, index) => <Fragment key={index}>{span(token as Tokens.Generic)}</Fragment>);
}

function span(token: Tokens.Generic): ReactNode {
  switch (token.type) {
    case 'strong':
      return <strong>{inline(token.tokens ?? [])}</strong>;
    case 'em':
      return <em>{inline(token.tokens ?? [])}</em>;
    case 'del':
      return <del>{inline(token.tokens ?? [])}</del>;
    case 'codespan':
      return <code>{token.text}</code>;
    case 'br':
      return <br />;
    case 'link':
      return isSafe(token.href) ? (
        <a href={token.href} target="_blank" rel="noopener noreferrer nofollow" title={token.href}>
          {inline(token.tokens ?? [])}
        </a>
      ) : (
        token.raw
      );
    case 'image':
      return <span className="picture">[picture: {token.text || token.href}]</span>;
    case 'escape':
      return token.text;
    case 'text':
      return token.tokens ? inline(token.tokens) : decoded(token.text);
    default:
      return token.raw; // HTML, and whatever comes later
  }
}

function isSafe(href: string): boolean {
  try {
    return ['http:', 'https:', 'mailto:'].includes(new URL(href).protocol);
  } catch {
    return false;
  }
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  nbsp: '\u00a0',
};

/** The lexer leaves entities for HTML to read. */
function decoded(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => entities[name]);
}
