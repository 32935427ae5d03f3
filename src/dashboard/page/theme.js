// @ts-check
/** Light or dark: as the system says, or as was chosen here, which this browser keeps. */
import { byId } from './dom.js';

const KEY = 'pitwall-theme';

/** @param {() => void} onChange after the colours have changed */
export function startTheme(onChange) {
  const select = /** @type {HTMLSelectElement} */ (byId('theme'));
  const show = () => {
    if (select.value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = select.value;
    onChange();
  };
  select.value = stored();
  select.addEventListener('change', () => {
    store(select.value);
    show();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
  show();
}

function stored() {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    // A browser may keep nothing.
    return 'system';
  }
}

/** @param {string} value */
function store(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // As above.
  }
}
