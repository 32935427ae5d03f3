// @ts-check
/** Takes the token once; from then on a cookie that scripts cannot read stands for it. */
const form = /** @type {HTMLFormElement} */ (document.getElementById('sign-in'));
const token = /** @type {HTMLInputElement} */ (document.getElementById('token'));
const told = /** @type {HTMLElement} */ (document.getElementById('told'));

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  told.textContent = '';
  try {
    const response = await fetch('session', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-pitwall': '1' },
      body: JSON.stringify({ token: token.value }),
    });
    if (response.ok) location.reload();
    else told.textContent = (await response.json()).message;
  } catch {
    told.textContent = 'the dashboard does not answer';
  }
});
