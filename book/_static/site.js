// On a phone the two menus are dialogs over the page. A link inside the page leaves its dialog open: close it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("dialog[open] a[href]");
  if (link?.hash && link.pathname === location.pathname) link.closest("dialog").close();
});

// Search is loaded when somebody puts the cursor into one of its fields; the page of results has it from the start.
// A page opened as a file may load neither scripts of this kind nor the list of sections.
const site = new URL("../", document.currentScript.src);
const NEEDS_A_SERVER =
  "Search works on a web server only, and this page was opened as a file. In the site's folder, run: python3 -m http.server";
document.addEventListener("focusin", (event) => {
  const field = event.target.closest("form.bd-search, #filter");
  if (!field) return;
  if (location.protocol !== "file:") import(new URL("_static/search.js", site));
  else if (!field.parentElement.querySelector(".search-summary"))
    field.insertAdjacentHTML("afterend", `<p class="search-summary">${NEEDS_A_SERVER}</p>`);
});
