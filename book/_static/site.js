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

// Python in the page comes when a reader presses "Run here", or when a script asks for it.
const RUNS_ON_A_SERVER =
  "Cells run on a web server only, and this page was opened as a file. In the site's folder, run: python3 -m http.server";
const live = () => import(new URL("_static/live.js", site));
window.unrolled = { live: async () => (await live()).live() };
document.addEventListener("click", async (event) => {
  const button = event.target.closest(".run-here");
  if (!button) return;
  button.disabled = true;
  if (location.protocol !== "file:") await (await live()).runHere();
  else button.closest(".bd-header-article").insertAdjacentHTML("afterend", `<p role="status">${RUNS_ON_A_SERVER}</p>`);
});

// Which exercises are right: beside each set's link in the sidebar, and all of them on the front page. It is kept in this browser alone.
function keptProgress(link) {
  if (!link.pathname.includes("/exercises/")) return null;
  try {
    const { right, total } = JSON.parse(localStorage.getItem(`progress:${link.pathname}`));
    return right.length > 0 ? { right: right.length, total: Number(total) } : null;
  } catch {
    return null; // nothing is kept of this set, or nothing can be kept
  }
}

function showProgress() {
  for (const old of document.querySelectorAll(".set-progress")) old.remove();
  const begun = [];
  for (const link of document.querySelectorAll("nav.bd-links a")) {
    const kept = keptProgress(link);
    if (!kept) continue;
    const count = document.createElement("span");
    count.className = "set-progress";
    count.textContent = ` ${kept.right}/${kept.total}`;
    link.append(count);
    const chapter = link.closest("ul")?.closest("li")?.querySelector("a") ?? link;
    begun.push({ href: link.href, ...kept, title: chapter.textContent.trim() });
  }
  const start = document.querySelector("a.start");
  if (!start || begun.length === 0) return;
  const line = document.createElement("p");
  line.className = "set-progress";
  line.append("Your exercises: ");
  for (const { href, right, total, title } of begun) {
    const set = document.createElement("a");
    set.href = href;
    set.textContent = title;
    line.append(set, ` ${right} of ${total}${begun.at(-1).href === href ? "." : ", "}`);
  }
  start.parentElement.after(line);
}
document.addEventListener("DOMContentLoaded", showProgress);
document.addEventListener("unrolled:progress", showProgress);
