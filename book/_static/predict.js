// Above each folded answer a line to write the prediction in. Unfolded, the prediction is the first thing in the fold. It is kept in this
// browser alone, under the page's path and the cell's address; where nothing can be kept, it lasts as long as the page.
const key = (fold) => `prediction:${location.pathname}#${fold.dataset.cell}`;

function kept(fold) {
  try {
    return localStorage.getItem(key(fold)) ?? "";
  } catch {
    return "";
  }
}

function keep(fold, text) {
  try {
    if (text) localStorage.setItem(key(fold), text);
    else localStorage.removeItem(key(fold));
  } catch {
    /* a private window, or a page opened as a file */
  }
}

function askIn(fold) {
  const line = document.createElement("label");
  line.className = "prediction-line";
  const field = document.createElement("textarea");
  field.rows = 1;
  field.maxLength = 500;
  field.value = kept(fold);
  line.append("Your prediction", field);
  fold.before(line);

  const written = document.createElement("p");
  written.className = "prediction-written";
  fold.querySelector("summary").after(written);

  const show = () => {
    const text = field.value.trim();
    written.hidden = !text;
    written.textContent = `You wrote: ${text}`;
    line.hidden = fold.open && Boolean(text);
  };
  field.addEventListener("input", () => {
    keep(fold, field.value.trim());
    show();
  });
  fold.addEventListener("toggle", show);
  show();
}

// A link to a cell whose answer is folded, such as those of the page of questions, opens the answer.
function openLinked() {
  const cell = location.hash.startsWith("#cell-") && document.getElementById(location.hash.slice(1));
  const fold = cell && document.querySelector(`details.prediction[data-cell="${CSS.escape(cell.id)}"]`);
  if (!fold) return;
  fold.open = true;
  cell.scrollIntoView(); // the browser has scrolled already, before the lines to write in were there
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("details.prediction").forEach(askIn);
  openLinked();
});
addEventListener("hashchange", openLinked);
