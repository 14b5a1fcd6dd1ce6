// On a phone the two menus are dialogs over the page. A link inside the page leaves its dialog open: close it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("dialog[open] a[href]");
  if (link?.hash && link.pathname === location.pathname) link.closest("dialog").close();
});
