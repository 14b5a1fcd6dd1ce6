import * as elementwise from "./kernels/elementwise.ts";
import * as gathering from "./kernels/gather.ts";
import { matmul } from "./kernels/matmul.ts";
import { adam, sgd } from "./kernels/optimize.ts";
import { generator } from "./kernels/random.ts";
import { recurrent, recurrentBackward } from "./kernels/recurrent.ts";
import * as reducing from "./kernels/reduce.ts";
import { fromList, full, item, strided, toList } from "./kernels/view.ts";

/** What the page's torch computes with: the Python module `_kernels`. */
export const kernels = {
  ...elementwise,
  ...gathering,
  ...reducing,
  adam,
  fromList,
  full,
  generator,
  item,
  matmul,
  recurrent,
  recurrentBackward,
  sgd,
  strided,
  toList,
};
