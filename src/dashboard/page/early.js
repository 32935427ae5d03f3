// @ts-check
/** The theme that was chosen, before anything is drawn: a page that flashes white is no dark one. */
try {
  const chosen = localStorage.getItem('pitwall-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // A browser may keep nothing.
}
