import { RnnDrill } from "./element.ts";

if (!customElements.get("rnn-drill")) customElements.define("rnn-drill", RnnDrill);
