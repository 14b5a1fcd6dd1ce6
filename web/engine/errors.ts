/** The class of the Python exception that PyTorch raises. */
export type PythonError =
  | "AttributeError"
  | "IndexError"
  | "NotImplementedError"
  | "RuntimeError"
  | "TypeError"
  | "ValueError"
  | "ZeroDivisionError";

/** A mistake that PyTorch would raise: `message` is PyTorch's own text. */
export class TorchError extends Error {
  override readonly name = "TorchError";

  constructor(
    readonly type: PythonError,
    message: string,
  ) {
    super(message);
  }
}

/** Something that PyTorch might well do, and that this engine does not: `message` says what. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}
