/** What a page shows while there is nothing to show. */
import type { ReactNode } from 'react';

export function Loading(): ReactNode {
  return (
    <p className="loading" role="status">
      <span className="unseen">Loading</span>
    </p>
  );
}

export function Failure({
  error,
  onRetry,
}: {
  readonly error: Error;
  readonly onRetry?: () => void;
}): ReactNode {
  return (
    <div className="failure" role="alert">
      <p>{error.message}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
