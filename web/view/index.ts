export * from "../engine/index.ts";

import { RnnExplorer } from "./explorer.ts";
import { render } from "./widget.ts";

// A notebook loads the bundle once for each widget.
if (!customElements.get("rnn-explorer")) customElements.define("rnn-explorer", RnnExplorer);

export default { render };
