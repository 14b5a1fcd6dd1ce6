/**
 * What is typed into a field of `host` is the field's alone. Pages and JupyterLab have shortcuts of a single key, such as the slash
 * that goes to the search, and see of a shadow root nothing but its host, which is no field.
 */
export function keepTyping(host: HTMLElement): void {
  host.addEventListener("keydown", (event) => {
    const isTyping = (event.composedPath()[0] as Element).matches("input, textarea, select");
    if (isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
}
