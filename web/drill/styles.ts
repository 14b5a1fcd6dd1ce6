import { css } from "lit";

/** The page's own type and colours where it names them, as the explorer has them (`view/styles.ts`), and quiet ones elsewhere. */
export const styles = css`
  :host {
    --_paper: var(--pst-color-background, light-dark(#fff, #14171c));
    --_ink: var(--ink, light-dark(#1b1f24, #e4e7eb));
    --_quiet: var(--quiet, light-dark(#59626d, #a3acb8));
    --_line: var(--line, light-dark(#dfe3e8, #313842));
    --_code: var(--code, light-dark(#f5f6f8, #1d2229));
    --_mono: var(--pst-font-family-monospace, ui-monospace, Menlo, Consolas, monospace);
    --_output: var(--tensor-output, light-dark(#f2b705, #d9a404));
    --_h_n: var(--tensor-h_n, light-dark(#3d8bfd, #4d93f7));
    --_c_n: var(--axis-H_cell, light-dark(#4c22e6, #a884ff));
    --_focus: var(--axis-L, light-dark(#173a86, #5cc4fb));
    color-scheme: light dark;
    display: block;
    margin: 1.5rem 0 2.5rem;
    color: var(--_ink);
    font: 15px/1.5 var(--pst-font-family-base, system-ui, sans-serif);
    text-align: start;
  }
  :host([theme="light"]) { color-scheme: light; }
  :host([theme="dark"]) { color-scheme: dark; }
  .root { container-type: inline-size; }
  * { box-sizing: border-box; }
  p, ul, pre, figure { margin: 0; padding: 0; }
  ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 13px; }
  code, pre, input, .prompt, .axes { font-family: var(--_mono); }
  button, input { color: inherit; background: none; border: 1px solid var(--_line); border-radius: 6px; font-size: 16px; }
  button { height: 44px; padding: 0 16px; font: 15px var(--pst-font-family-base, system-ui, sans-serif); cursor: pointer; touch-action: manipulation; }
  :focus-visible { outline: 2px solid var(--_focus); outline-offset: 2px; }
  .hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  code { padding: .08em .3em; border-radius: 4px; background: var(--_code); font-size: .88em; white-space: pre-wrap; overflow-wrap: anywhere; }

  form { padding: 20px 22px 22px; border: 1px solid var(--_line); border-radius: 8px; }
  .kind { display: flex; flex-wrap: wrap; gap: 2px 16px; justify-content: space-between; font-size: 13px; color: var(--_quiet); }
  .program { margin-top: 12px; padding: 10px 14px; border-radius: 6px; background: var(--_code); white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13.5px; line-height: 1.6; }
  .ask { margin-top: 14px; font-size: 17px; font-weight: 600; }
  .reply { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 14px; }
  .reply label { flex: 1 1 15rem; display: flex; align-items: center; border: 1px solid var(--_quiet); border-radius: 6px; }
  .reply label:focus-within { outline: 2px solid var(--_focus); outline-offset: 1px; }
  .reply input { flex: 1; min-width: 0; height: 42px; border: 0; padding: 0 12px 0 6px; outline: none; }
  .prompt { padding-inline-start: 12px; font-size: 13px; color: var(--_quiet); }
  .buttons { display: flex; gap: 8px; }
  .main { background: var(--_ink); border-color: var(--_ink); color: var(--_paper); font-weight: 600; }
  .hint { margin-top: 8px; font-size: 13px; color: var(--_quiet); }
  .verdict > p { margin-top: 6px; }
  .verdict > :first-child { margin-top: 16px; }
  .verdict > .hidden { margin: 0; }
  .word { font-weight: 700; font-size: 17px; }
  .message { padding-inline-start: 12px; border-inline-start: 3px solid var(--_output); overflow-wrap: anywhere; }
  .axes { margin-top: 8px; }
  .axis-N { color: var(--axis-N, light-dark(#7f2c16, #f08a5d)); }
  .axis-L { color: var(--axis-L, light-dark(#173a86, #5cc4fb)); }
  .axis-D { color: var(--axis-D, light-dark(#757000, #fbd944)); }
  .axis-H_out { color: var(--axis-H_out, light-dark(#c504b6, #fb5fb4)); }
  .axis-H_cell { color: var(--axis-H_cell, light-dark(#4c22e6, #a884ff)); }

  figure { margin-top: 18px; }
  .grid { display: block; max-width: 100%; margin: 0 auto; overflow: visible; }
  text { fill: var(--_ink); font: 11.5px var(--_mono); text-anchor: middle; dominant-baseline: central; }
  .narrow text { font-size: 10.5px; }
  text.quiet { fill: var(--_quiet); }
  text.label { font-weight: 700; }
  text.lit { fill: var(--_paper); font-weight: 700; }
  rect.lit, .solid { fill: var(--_ink); }
  .sheet { fill: var(--_paper); stroke: var(--_line); }
  .band { fill-opacity: .26; }
  .band.output { fill: var(--_output); }
  .band.hn { fill: var(--_h_n); }
  .band.cn { fill: var(--_c_n); }
  .cell { fill: none; stroke: var(--_ink); stroke-opacity: .42; }
  .dashed { fill: none; stroke: var(--_ink); stroke-width: 2; stroke-dasharray: 4 3; }
  .line { stroke: var(--_ink); stroke-opacity: .5; fill: none; }
  .head { fill: var(--_ink); fill-opacity: .6; }
  .line.strong { stroke-opacity: 1; stroke-width: 2.5; }
  .head.strong { fill-opacity: 1; stroke: var(--_ink); stroke-width: 2; }
  .marks { justify-content: center; margin-top: 10px; }
  .marks li { display: flex; align-items: center; gap: 7px; }
  .marks svg { flex: none; }

  .foot { display: flex; flex-wrap: wrap; gap: 8px 20px; justify-content: space-between; align-items: center; margin-top: 12px; font-size: 13px; color: var(--_quiet); }
  .foot details[open] { width: 100%; }
  summary { width: fit-content; cursor: pointer; }
  summary:hover, .foot button:hover { color: var(--_ink); }
  .foot button { height: 32px; padding: 0 12px; font-size: 13px; color: var(--_quiet); }
  table { margin: 8px 0 10px; border-collapse: collapse; color: var(--_ink); }
  th, td { padding: 3px 18px 3px 0; text-align: start; font-weight: 400; border-top: 1px solid var(--_line); }
  thead th { border: 0; color: var(--_quiet); }
  td { font-variant-numeric: tabular-nums; }
  @container (width < 480px) {
    form { padding: 14px 14px 16px; }
    .ask { font-size: 16px; }
    .program { font-size: 12.5px; padding: 9px 11px; }
    .buttons, .buttons button { flex: 1; }
  }
`;
