import { type PythonError, TorchError, UnsupportedError } from "../errors.ts";

/**
 * An expression that has no value. Where PyTorch (or Python) raises, `type` is the exception's and `message` is its own
 * text; otherwise the evaluator does not know something, and `message` names the column and what it was.
 */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";

  constructor(
    message: string,
    /** Counted from 1. */
    readonly column: number,
    readonly type: PythonError | null = null,
  ) {
    super(type === null ? `column ${column}: ${message}` : message);
  }
}

/** What `action` gives, or its error with the column that caused it. */
export function at<T>(column: number, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof TorchError) throw new ExpressionError(error.message, column, error.type);
    if (error instanceof UnsupportedError) throw new ExpressionError(error.message, column);
    throw error;
  }
}
