// Python as coloured HTML, in the classes that Pygments gives the cells of the page.

const KEYWORDS =
  "as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|global|if|lambda|match|nonlocal|pass|raise|return|try|while|with|yield";
const BUILTINS =
  "abs|all|any|bool|dict|enumerate|float|getattr|hasattr|int|isinstance|len|list|map|max|min|print|range|repr|reversed|round|set|sorted|str|sum|super|tuple|type|zip";

// In this order: what matches first, counts. Each group is named after the class that it becomes.
const TOKEN = new RegExp(
  [
    "(?<c1>#.*)",
    `(?<s2>\\b[rbfuRBFU]{0,2}(?:"""[\\s\\S]*?(?:"""|$)|'''[\\s\\S]*?(?:'''|$)|"(?:\\\\.|[^"\\\\\\n])*"?|'(?:\\\\.|[^'\\\\\\n])*'?)|"""[\\s\\S]*?(?:"""|$)|'''[\\s\\S]*?(?:'''|$)|"(?:\\\\.|[^"\\\\\\n])*"?|'(?:\\\\.|[^'\\\\\\n])*'?)`,
    "(?<nd>^[ \\t]*@[\\w.]+)",
    "(?<=\\b(?:def)\\s+)(?<nf>\\w+)",
    "(?<=\\b(?:class)\\s+)(?<nc>\\w+)",
    "(?<kn>\\b(?:from|import)\\b)",
    "(?<kc>\\b(?:True|False|None)\\b)",
    "(?<ow>\\b(?:and|or|not|in|is)\\b)",
    `(?<k>\\b(?:${KEYWORDS})\\b)`,
    `(?<!\\.)(?<nb>\\b(?:${BUILTINS})\\b)(?=\\s*[(,)\\]])`,
    "(?<mf>\\b\\d+(?:\\.\\d*(?:[eE][-+]?\\d+)?|[eE][-+]?\\d+)|\\B\\.\\d+(?:[eE][-+]?\\d+)?)",
    "(?<mi>\\b\\d[\\d_]*\\b)",
    "(?<name>\\w+)",
    "(?<o>[-+*/%@=<>!&|^~:]+)",
  ].join("|"),
  "gm",
);

/** The nodes of this source. */
export function highlighted(source: string): Node[] {
  const nodes: Node[] = [];
  let end = 0;
  for (const match of source.matchAll(TOKEN)) {
    if (match.index > end) nodes.push(document.createTextNode(source.slice(end, match.index)));
    const kind = Object.keys(match.groups!).find((name) => match.groups![name] !== undefined)!;
    end = match.index + match[0].length;
    if (kind === "name") nodes.push(document.createTextNode(match[0]));
    else {
      const token = document.createElement("span");
      token.className = kind;
      token.textContent = match[0];
      nodes.push(token);
    }
  }
  nodes.push(document.createTextNode(`${source.slice(end)}\n`));
  return nodes;
}
