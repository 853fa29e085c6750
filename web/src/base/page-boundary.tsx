/** Where a page cannot be drawn: what went wrong, and the ways on, instead of an empty window. */
import { Component, type ReactNode } from 'react';
import { Link } from './router.tsx';

interface PageBoundaryProps {
  /** The address: at another one, the page there is tried. */
  readonly at: string;
  readonly children: ReactNode;
}

interface PageBoundaryState {
  readonly at: string;
  /** Null while nothing has gone wrong. */
  readonly failure: { readonly message: string } | null;
}

export class PageBoundary extends Component<PageBoundaryProps, PageBoundaryState> {
  override state: PageBoundaryState = { at: this.props.at, failure: null };

  static getDerivedStateFromError(error: unknown): Partial<PageBoundaryState> {
    return { failure: { message: error instanceof Error ? error.message : String(error) } };
  }

  static getDerivedStateFromProps(
    { at }: PageBoundaryProps,
    before: PageBoundaryState,
  ): PageBoundaryState | null {
    return at === before.at ? null : { at, failure: null };
  }

  override render(): ReactNode {
    const { failure } = this.state;
    if (failure === null) return this.props.children;
    return (
      <main className="page narrow">
        <h1>This page cannot be shown</h1>
        <p role="alert">
          Something in it went wrong: <code>{failure.message}</code>
        </p>
        <p className="quiet">Answers that wait to be sent are untouched, and still go out.</p>
        <div className="actions">
          <button type="button" className="primary" onClick={() => this.setState({ failure: null })}>
            Try again
          </button>
          <button type="button" onClick={() => location.reload()}>
            Load it anew
          </button>
          <Link to="/">Go on from the beginning</Link>
        </div>
      </main>
    );
  }
}
