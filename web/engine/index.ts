export { type Dense, dense, type Nested, nested, size, type TensorLike, zeros } from "./dense.ts";
export {
  type Asked,
  applied,
  derivation,
  type Equation,
  type Factor,
  type Read,
  type Term,
  type Written,
  written,
} from "./derivation.ts";
export { type PythonError, TorchError, UnsupportedError } from "./errors.ts";
export { ExpressionError } from "./expression/error.ts";
export { type Evaluation, evaluate } from "./expression/evaluate.ts";
export { programOf } from "./expression/parse.ts";
export { print } from "./expression/print.ts";
export { type Cells, cellsOfElement } from "./expression/provenance.ts";
export type { Value } from "./expression/python.ts";
export { type Base, createScope, type Scope, scopeOf } from "./expression/scope.ts";
export { positions, type Tensor } from "./expression/tensor.ts";
export { type Arguments, construct, type Module, type ModuleName, type Spec } from "./module.ts";
export { mt19937, uniform } from "./mt19937.ts";
export { GATES, parameterShapes } from "./parameters.ts";
export { type Box, type Result, run } from "./run.ts";
