import { css } from "lit";

/** The page's own type and colours where it names them (the site, JupyterLab), and quiet ones of its own elsewhere. */
export const styles = css`
  :host {
    --_paper: var(--pst-color-background, var(--jp-layout-color0, light-dark(#fff, #14171c)));
    --_ink: var(--ink, var(--jp-ui-font-color0, light-dark(#1b1f24, #e4e7eb)));
    --_quiet: var(--quiet, light-dark(#59626d, #a3acb8));
    --_line: var(--line, var(--jp-border-color2, light-dark(#dfe3e8, #313842)));
    --_code: var(--code, light-dark(#f5f6f8, #1d2229));
    --_mono: var(--pst-font-family-monospace, ui-monospace, Menlo, Consolas, monospace);
    --_output: var(--tensor-output, light-dark(#f2b705, #d9a404));
    --_h_n: var(--tensor-h_n, light-dark(#3d8bfd, #4d93f7));
    --_c_n: var(--axis-H_cell, light-dark(#4c22e6, #a884ff));
    --_focus: var(--axis-L, light-dark(#173a86, #5cc4fb));
    color-scheme: light dark;
    display: block;
    margin: 1.5rem 0;
    color: var(--_ink);
    background: var(--_paper);
    font: 15px/1.5 var(--pst-font-family-base, system-ui, sans-serif);
    text-align: start;
  }
  :host([theme="light"]) { color-scheme: light; }
  :host([theme="dark"]) { color-scheme: dark; }
  /* A page that says nothing of its theme may be white around a dark explorer. */
  :host(:not([theme])) { padding: 12px; border-radius: 6px; }
  :host([hidden]) { display: none; }
  *, *::before { box-sizing: border-box; }
  p, ul, pre, fieldset, legend { margin: 0; padding: 0; border: 0; }
  code, pre, input, textarea, select, .segments, .check, .field, .label, .tabs { font-family: var(--_mono); }
  code, pre, .numbers { font-size: 13px; }
  button, input, textarea, select { color: inherit; background: none; border: 1px solid var(--_line); border-radius: 5px; font-size: 13px; }
  button { height: 30px; padding: 0 12px; font-family: inherit; cursor: pointer; touch-action: manipulation; }
  button:not(.entry):hover { background: var(--_code); }
  :disabled, [aria-disabled="true"] { opacity: .45; cursor: default; }
  [aria-invalid="true"] { border: 1px dashed; }
  select { background: var(--_paper); }
  .quiet { color: var(--_quiet); }
  .hidden { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  :focus-visible, .segments label:focus-within, .expression label:focus-within { outline: 2px solid var(--_focus); outline-offset: 2px; }
  :is(.segments input, textarea):focus-visible { outline: none; }

  /* Controls */
  .row { display: flex; flex-wrap: wrap; gap: 10px 13px; align-items: center; font-size: 13px; }
  .row + .row { margin-top: 12px; }
  .segments { display: flex; }
  .segments legend { float: left; height: 30px; line-height: 30px; margin-inline-end: 8px; color: var(--_quiet); font-size: 13px; }
  .segments label { position: relative; display: block; height: 30px; padding: 0 10px; line-height: 28px; border: 1px solid var(--_line); cursor: pointer; }
  .segments label + label { margin-inline-start: -1px; }
  .segments label:first-of-type { border-radius: 5px 0 0 5px; }
  .segments label:last-of-type { border-radius: 0 5px 5px 0; }
  .segments input { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
  .segments label:has(:checked) { z-index: 1; background: var(--_ink); border-color: var(--_ink); color: var(--_paper); }
  .field, .check { display: inline-flex; align-items: center; gap: 7px; min-height: 30px; cursor: pointer; }
  .field > :first-child { color: var(--_quiet); }
  .check input { width: 16px; height: 16px; margin: 0; accent-color: var(--_ink); }
  .field input, .field select { height: 30px; padding: 0 6px; }
  .field input[type="number"] { width: 58px; text-align: center; }
  .wide input { width: 168px; }
  .stepper { display: inline-flex; }
  .stepper button { width: 28px; padding: 0; font-size: 15px; line-height: 1; color: var(--_quiet); }
  .stepper button:first-child { border-radius: 5px 0 0 5px; border-inline-end: 0; }
  .stepper button:last-child { border-radius: 0 5px 5px 0; border-inline-start: 0; }
  .stepper input { border-radius: 0; width: 36px !important; }
  [type="number"] { appearance: textfield; }
  #seed { width: 72px !important; }
  ::-webkit-inner-spin-button { appearance: none; }
  .over { float: inline-end; margin-top: 7px; }
  details { margin-top: 12px; }
  details > .row { clear: both; }
  summary { width: fit-content; cursor: pointer; font-size: 13px; color: var(--_quiet); }
  summary:hover { color: var(--_ink); }
  details[open] > summary { margin-bottom: 12px; }
  .hint, .notice { margin-top: 12px; font-size: 13px; color: var(--_quiet); }
  .notice { border-inline-start: 3px solid var(--_output); padding-inline-start: 10px; color: var(--_ink); overflow-wrap: anywhere; }

  /* Above the stage: which sheet, how far in time */
  .bar { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; justify-content: space-between; margin-top: 18px; font-size: 13px; }
  .dot::after, .pin, .corner::after { content: ""; width: 5px; height: 5px; border-radius: 50%; background: currentColor; }
  .dot::after { position: absolute; top: 4px; right: 4px; }
  .tabs { flex-wrap: wrap; }
  .bar > .quiet { line-height: 30px; }
  .count { min-width: 5ch; font-family: var(--_mono); text-align: end; }
  .time { display: flex; align-items: center; gap: 6px; }
  .time input { width: 120px; border: 0; appearance: none; background: linear-gradient(var(--_quiet), var(--_quiet)) center / 100% 1px no-repeat; cursor: pointer; }
  .time input::-webkit-slider-thumb { appearance: none; width: 14px; height: 14px; border: 0; border-radius: 50%; background: var(--_ink); }
  .time input::-moz-range-thumb { width: 14px; height: 14px; border: 0; border-radius: 50%; background: var(--_ink); }

  /* The stage */
  .scroll { overflow-x: auto; margin-top: 8px; padding-bottom: 2px; }
  .stage { position: relative; margin: 0 auto; }
  svg, canvas { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
  /* Their own stacking context, which a browser keeps painted while nothing in it changes. */
  .entries { isolation: isolate; }
  .faint :is(canvas, .strip) { opacity: .3; }
  .paper { fill: var(--_paper); }
  .sheet { fill: var(--_paper); stroke: var(--_line); }
  .band { opacity: .26; }
  .faint .band { opacity: .08; }
  .band.output { fill: var(--_output); }
  .band.hn { fill: var(--_h_n); }
  .band.cn { fill: var(--_c_n); }
  .line { stroke: var(--_ink); stroke-opacity: .5; fill: none; }
  .head { fill: var(--_ink); fill-opacity: .6; }
  text { fill: var(--_ink); font: 12px var(--_mono); text-anchor: middle; dominant-baseline: central; }
  text.quiet { fill: var(--_quiet); font-size: 10.5px; }
  .entry { position: absolute; display: flex; flex-direction: column; padding: 0; border: 0; border-radius: 3px; color: var(--_ink); cursor: pointer; line-height: 1; }
  /* A press that changes what is drawn within an entry is a click on the entry all the same. */
  .entry * { pointer-events: none; }
  .entry:focus-visible { z-index: 3; outline-offset: 3px; }
  .strip { position: relative; display: block; flex: 1; min-height: 0; width: 100%; border: 1px solid color-mix(in srgb, var(--_ink) 45%, transparent); border-radius: 2px; overflow: hidden; forced-color-adjust: none; }
  .box .strip { border-radius: 3px; }
  .output { padding-top: 19px; }
  :is(.output, .x) .strip { height: 15px; flex: none; }
  .entry .label { font-size: 12px; line-height: 17px; height: 17px; text-align: center; white-space: nowrap; }
  .hn .label, .cn .label { font-weight: 700; }
  .pin, .corner::after { outline: 1.5px solid; outline-offset: 2px; box-shadow: 0 0 0 2px var(--_paper); }
  .corner::after { position: absolute; top: -3px; right: -3px; }
  .pin { display: inline-block; margin: 0 4px 2px; }
  .strip i { position: absolute; top: 0; bottom: 0; border: 2px solid var(--_ink); background: none; }
  .strip u { position: absolute; left: 0; right: 0; bottom: 0; height: 2px; color: var(--_ink); background-repeat: no-repeat; }
  .read .strip u { height: 5px; }
  .source .strip { outline: 1.5px dashed var(--_ink); outline-offset: 1px; }
  .same { z-index: 2; }
  .same .strip { outline: 2px solid var(--_ink); outline-offset: 0; border-color: var(--_ink); }
  .addressing .entry:not(.addressed):not(.same) .strip { opacity: .28; }
  .addressed:not(.read) .strip { outline: 2px solid var(--_ink); outline-offset: 0; }
  .later .strip { border-style: dotted; outline: none; }
  .later .strip > * { display: none; }

  /* Under the stage */
  .readout { height: calc(68px + 21px * var(--lines)); margin-top: 10px; padding: 10px 0; border-block: 1px solid var(--_line); overflow: auto; }
  .readout p { line-height: 21px; }
  .idle { align-content: center; color: var(--_quiet); font-size: 14px; }
  .slices { font-size: 14px; }
  .slices code { font-size: 14px; font-weight: 600; white-space: nowrap; }
  .where { font-size: 13px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
  .numbers { font-family: var(--_mono); }
  .numbers span { padding: 1px 3px; border-radius: 3px; }
  .numbers input { width: 66px; height: 21px; padding: 0 3px; margin-inline-end: 2px; border-radius: 3px; }
  .numbers :focus-visible { outline-offset: -1px; }
  .numbers .chosen { background: var(--_ink); color: var(--_paper); }
  .legend { display: flex; flex-wrap: wrap; gap: 6px 22px; align-items: flex-start; justify-content: space-between; margin-top: 12px; font-size: 13px; }
  .shapes { display: flex; flex-wrap: wrap; gap: 6px 20px; list-style: none; font-family: var(--_mono); }
  .shapes li { white-space: nowrap; }
  .small { font-size: 12px; margin-top: 2px; }
  .scale { display: grid; grid-template-columns: repeat(2, auto) 84px auto; align-items: center; gap: 2px 6px; font: 12px var(--_mono); color: var(--_quiet); }
  .scale [role] { height: 10px; border: 1px solid var(--_line); }
  .axis-N { color: var(--axis-N, light-dark(#7f2c16, #f08a5d)); }
  .axis-L { color: var(--axis-L, light-dark(#173a86, #5cc4fb)); }
  .axis-D { color: var(--axis-D, light-dark(#757000, #fbd944)); }
  .axis-H_in { color: var(--axis-H_in, light-dark(#1c7d74, #9cf5cb)); }
  .axis-H_out { color: var(--axis-H_out, light-dark(#c504b6, #fb5fb4)); }
  .axis-H_cell { color: var(--axis-H_cell, light-dark(#4c22e6, #a884ff)); }

  .expression { position: relative; margin-top: 16px; }
  .expression button { position: absolute; bottom: 6px; right: 6px; height: auto; padding: 4px 10px; background: var(--_paper); text-align: start; }
  .expression label { display: flex; border: 1px solid var(--_line); border-radius: 5px 5px 0 0; }
  .prompt { padding-inline: 10px 2px; font: 13px/36px var(--_mono); color: var(--_quiet); }
  textarea { flex: 1; min-width: 0; border: 0; padding: 8px; line-height: 20px; word-break: break-all; resize: none; }
  pre { white-space: pre; line-height: 1.45; }
  .expression pre { height: 118px; padding: 8px 12px; overflow: auto; background: var(--_code); border: 1px solid var(--_line); border-top: 0; border-radius: 0 0 5px 5px; }
  pre.error { white-space: pre-wrap; overflow-wrap: anywhere; }
  .program[open] { width: 100%; }
  .program pre { padding: 10px 12px; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--_code); border-radius: 5px; }
  .program button { margin-top: 8px; }
  .open { display: inline-block; margin-top: 12px; font-size: 13px; color: inherit; text-underline-offset: .18em; }
  .foot { display: flex; flex-wrap: wrap; gap: 4px 24px; align-items: baseline; }

  .problem { padding: 16px 18px; border: 1px solid var(--_line); border-radius: 4px; margin-top: 8px; overflow-x: auto; }
  .problem p.quiet { margin-top: 12px; font-size: 13px; }
  .problem p code { font-weight: 600; white-space: pre-wrap; overflow-wrap: anywhere; }
  table { margin-top: 14px; border-collapse: collapse; font: 13px var(--_mono); }
  caption { text-align: start; padding-bottom: 4px; white-space: nowrap; }
  th, td { padding: 4px 14px 4px 0; text-align: start; vertical-align: top; font-weight: 400; border-top: 1px solid var(--_line); white-space: nowrap; }
  th { color: var(--_quiet); }
  td span { display: block; font-size: 11px; }
  .off { font-weight: 700; }

  @container (width < 480px) {
    .row, .bar { gap: 8px 14px; }
    text { font-size: 11px; }
    .entry .label { font-size: 11px; }
    .readout { height: calc(110px + 21px * var(--lines)); }
    .where { white-space: normal; }
    .time input { width: 84px; }
    .expression pre { height: 150px; font-size: 11.5px; }
    .expression pre .quiet { display: block; }
    caption { white-space: normal; }
    .wide, .wide input { flex: 1; }
    .wide { width: 100%; }
  }
  .root { container-type: inline-size; }
`;
