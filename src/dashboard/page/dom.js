// @ts-check
/** The few things the page does to its document. Whatever comes from a host becomes text, never markup. */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}

/**
 * @param {string} id
 * @param {string} text
 */
export function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {string} tag
 * @param {{ text?: string, className?: string }} [what]
 * @param {readonly Node[]} [children]
 * @returns {HTMLElement}
 */
export function make(tag, { text, className } = {}, children = []) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className !== undefined) element.className = className;
  element.append(...children);
  return element;
}

/**
 * @param {string} text
 * @param {() => void} onClick
 */
export function makeButton(text, onClick) {
  const button = make('button', { text });
  button.setAttribute('type', 'button');
  button.addEventListener('click', onClick);
  return button;
}

/**
 * Rows of a table. A row that stays keeps its elements, so that the focus stays with it.
 *
 * @typedef {{ key: string, head?: string, cells: readonly (string | Cell)[], button?: { text: string, label: string, onClick: () => void } }} Row
 * @typedef {{ text: string, className: string }} Cell
 * @param {string} id of the table's body
 * @param {readonly Row[]} rows
 */
export function showRows(id, rows) {
  const body = byId(id);
  /** @type {Map<string, HTMLElement>} */
  const held = new Map();
  for (const child of body.children) if (child instanceof HTMLElement) held.set(child.dataset.key ?? '', child);
  const wanted = new Set(rows.map(({ key }) => key));
  for (const [key, element] of held) if (!wanted.has(key)) element.remove();
  rows.forEach((row, index) => {
    const element = held.get(row.key) ?? makeRow(row);
    fillRow(element, row);
    if (body.children[index] !== element) body.insertBefore(element, body.children[index] ?? null);
  });
}

/** @param {Row} row */
function makeRow({ key, head, cells, button }) {
  const element = make('tr');
  element.dataset.key = key;
  if (head !== undefined) {
    const cell = make('th');
    cell.setAttribute('scope', 'row');
    element.append(cell);
  }
  for (const _cell of cells) element.append(make('td'));
  if (button) {
    const made = makeButton(button.text, button.onClick);
    made.setAttribute('aria-label', button.label);
    element.append(make('td', {}, [made]));
  }
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {Row} row
 */
function fillRow(element, { head, cells }) {
  const all = head === undefined ? cells : [head, ...cells];
  all.forEach((cell, index) => {
    const target = element.children[index];
    if (!(target instanceof HTMLElement)) return;
    const { text, className } = typeof cell === 'string' ? { text: cell, className: '' } : cell;
    if (target.textContent !== text) target.textContent = text;
    if (target.className !== className) target.className = className;
  });
}

/** @param {string} text */
export const number = (text) => ({ text, className: 'number' });

/** @param {string} text */
export const wrapped = (text) => ({ text, className: 'wrap' });

/**
 * Names and values.
 *
 * @param {string} id of the list
 * @param {readonly (readonly [name: string, value: string])[]} facts
 */
export function showFacts(id, facts) {
  replace(
    byId(id),
    facts.flatMap(([name, value]) => [make('dt', { text: name }), make('dd', { text: value })]),
  );
}

/**
 * Puts children in place of others, unless they are the same: what someone reads, has selected or has the focus on is left alone.
 *
 * @param {HTMLElement} parent
 * @param {readonly Node[]} children
 */
export function replace(parent, children) {
  const held = parent.childNodes;
  if (held.length === children.length && children.every((child, index) => child.isEqualNode(held[index] ?? null)))
    return;
  parent.replaceChildren(...children);
}

/**
 * @param {string} id of the select element
 * @param {readonly { value: string, text: string }[]} options
 * @param {string | undefined} chosen
 */
export function showOptions(id, options, chosen) {
  const select = byId(id);
  if (!(select instanceof HTMLSelectElement)) return;
  const same =
    options.length === select.options.length && options.every(({ value }, i) => select.options[i]?.value === value);
  if (!same) {
    select.replaceChildren(
      ...options.map(({ value, text }) => {
        const option = document.createElement('option');
        option.value = value;
        option.textContent = text;
        return option;
      }),
    );
  }
  if (chosen !== undefined && select.value !== chosen) select.value = chosen;
}
