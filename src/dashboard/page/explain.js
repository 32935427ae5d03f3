// @ts-check
/** One transfer, explained. */
import { byId, setText, showFacts } from './dom.js';

export function startExplain() {
  const input = /** @type {HTMLInputElement} */ (byId('explain-id'));
  byId('explain-form').addEventListener('submit', (event) => {
    event.preventDefault();
    if (input.value.trim() !== '') void explain(input.value.trim());
  });
  byId('explanation-close').addEventListener('click', () => {
    byId('explanation').hidden = true;
    input.focus();
  });
}

/** @param {string} transferId */
export async function explain(transferId) {
  const { title, rationale, facts } = await ask(transferId);
  byId('explanation').hidden = false;
  setText('explanation-title', title);
  setText('rationale', rationale);
  showFacts('facts', facts);
  byId('explanation-title').focus();
}

/**
 * @param {string} transferId
 * @returns {Promise<{ title: string, rationale: string, facts: [string, string][] }>}
 */
async function ask(transferId) {
  const title = `Transfer ${transferId}`;
  try {
    const response = await fetch(`explain?id=${encodeURIComponent(transferId)}`);
    const answer = await response.json();
    if (!response.ok) return { title, rationale: answer.message, facts: [] };
    return {
      title,
      rationale: answer.rationale,
      facts: answer.facts.map((/** @type {{ name: string, value: string }} */ fact) => [fact.name, fact.value]),
    };
  } catch {
    return { title, rationale: 'the dashboard does not answer', facts: [] };
  }
}
