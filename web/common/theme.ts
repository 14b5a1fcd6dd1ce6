/** What the page says of its theme (the site, other Sphinx sites, JupyterLab); null where it leaves it to the system. */
export function pageTheme(): "light" | "dark" | null {
  const { theme } = document.documentElement.dataset;
  const name = theme ?? document.documentElement.getAttribute("theme");
  if (name === "light" || name === "dark") return name;
  const lab = document.body.dataset.jpThemeLight;
  return lab === undefined ? null : lab === "false" ? "dark" : "light";
}

/** Calls `changed` whenever the page may have changed its theme; the returned function stops that. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme", "theme"] });
  observer.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  return () => observer.disconnect();
}
