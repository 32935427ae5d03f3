/** The dashboard's server, asked as a program asks: who may look, who may do something, and what is refused. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { InvalidArgumentError, PitwallError, type Runtime, startRuntime } from 'pitwall';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, transferOnce } from './support.ts';

const TOKEN = 'a-token-of-our-own-0123456789';
const HOST = { host: 'localhost' };
const MARKED = { ...HOST, 'x-pitwall': '1', 'content-type': 'application/json' };

let runtime: Runtime;
beforeAll(async () => {
  runtime = await startRuntime({ dataDir: false, logger: false, pools: [{ name: 'ml' }] });
});
afterAll(() => runtime.shutdown());

describe('where it listens', () => {
  it('is loopback, unless there is a token', async () => {
    const dashboard = await runtime.dashboard.listen({ port: 0 });
    expect(dashboard.url).toBe(`http://127.0.0.1:${dashboard.port}/`);
    await dashboard.close();
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org']) {
      const refused = runtime.dashboard.listen({ port: 0, host });
      await expect(refused, host).rejects.toMatchObject({ code: 'PITWALL_DASHBOARD_TOKEN_NEEDED' });
    }
    const open = await runtime.dashboard.listen({ port: 0, host: '0.0.0.0', token: TOKEN });
    expect((await ask(open.port, '/explain?id=1', { headers: HOST })).status).toBe(401);
    await open.close();
  });

  it('refuses options that are none, without telling the token', async () => {
    for (const options of [
      { port: -1 },
      { port: 1.5 },
      { host: 'a b' },
      { token: 'short' },
      { token: `${TOKEN} ` },
      { allowedHosts: ['/'] },
    ]) {
      const refused = runtime.dashboard.listen(options);
      await expect(refused).rejects.toBeInstanceOf(InvalidArgumentError);
      await expect(refused).rejects.not.toThrow(TOKEN);
    }
  });

  it('says so where the port is taken', async () => {
    const { port, close } = await runtime.dashboard.listen({ port: 0 });
    await expect(runtime.dashboard.listen({ port })).rejects.toMatchObject({ code: 'PITWALL_DASHBOARD_NOT_LISTENING' });
    await close();
  });
});

describe('what is answered', () => {
  it('has safe headers, whatever it is', async () => {
    const { port, close } = await runtime.dashboard.listen({ port: 0 });
    for (const path of [
      '/',
      '/main.js',
      '/uplot.js',
      '/style.css',
      '/nothing',
      '/../package.json',
      '//evil/main.js',
      '/explain?id=x',
    ]) {
      const { headers } = await ask(port, path, { headers: HOST });
      const policy = String(headers['content-security-policy']);
      expect(policy, path).toContain("default-src 'none'");
      expect(policy, path).toContain("frame-ancestors 'none'");
      expect(policy, path).not.toContain('unsafe');
      expect(headers, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
      });
      expect(headers['access-control-allow-origin'], path).toBeUndefined();
    }
    expect((await ask(port, '/../../../../etc/passwd', { headers: HOST })).status).toBe(404);
    expect((await ask(port, '/', { method: 'DELETE', headers: HOST })).status).toBe(405);
    expect((await ask(port, '/', { method: 'HEAD', headers: HOST })).body).toBe('');
    await close();
  });

  it('explains a transfer that the host remembers, and says of others that it does not', async () => {
    const { port, close } = await runtime.dashboard.listen({ port: 0 });
    const id = transferOnce(runtime, 'ml', 5_000);
    const { body } = await ask(port, `/explain?id=${encodeURIComponent(id)}`, { headers: HOST });
    expect(JSON.parse(body)).toMatchObject({ transferId: id, source: 'decision' });
    expect(JSON.parse(body).facts).toContainEqual({ name: 'dataSize', value: '5000' });
    expect((await ask(port, '/explain?id=nobody', { headers: HOST })).status).toBe(404);
    await close();
  });
});

describe('pages of others', () => {
  it('reach nothing: neither under a name of theirs, nor from their origin', async () => {
    const { port, close } = await runtime.dashboard.listen({ port: 0, readOnly: false, allowedHosts: ['pit.example'] });
    const get = async (headers: Record<string, string>) => (await ask(port, '/explain?id=x', { headers })).status;
    const known = 404;
    expect(await get({ host: 'evil.example' })).toBe(421);
    expect(await get({ host: `evil.example:${port}` })).toBe(421);
    for (const host of [`127.0.0.1:${port}`, 'localhost:1234', '[::1]:9', '192.0.2.7', 'PIT.example']) {
      expect(await get({ host }), host).toBe(known);
    }
    expect(await get({ ...HOST, origin: 'http://evil.example' })).toBe(403);
    expect(await get({ ...HOST, origin: 'null' })).toBe(403);
    expect(await get({ ...HOST, origin: 'https://localhost' })).toBe(known);
    expect(await get({ ...HOST, origin: 'http://localhost' })).toBe(known);
    expect(await get({ ...HOST, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe(403);
    expect(await get({ ...HOST, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(known);
    const post = async (headers: Record<string, string>) =>
      (await ask(port, '/advice/apply', { method: 'POST', headers, body: { id: 'x' } })).status;
    expect(await post(HOST)).toBe(403);
    expect(await post({ ...MARKED, origin: 'http://evil.example' })).toBe(403);
    expect(await post({ ...MARKED, 'sec-fetch-site': 'same-site' })).toBe(403);
    expect(await post({ ...MARKED, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(403);
    expect(await post(MARKED)).toBe(409);
    await close();
  });
});

describe('doing something', () => {
  it('is refused unless it was allowed, and answered with the reason where it fails', async () => {
    const closed = await runtime.dashboard.listen({ port: 0 });
    const apply = (port: number, body: unknown) =>
      ask(port, '/advice/apply', { method: 'POST', headers: MARKED, body });
    expect(closed.readOnly).toBe(true);
    expect(await apply(closed.port, { id: 'x' })).toMatchObject({ status: 403 });
    await closed.close();
    const open = await runtime.dashboard.listen({ port: 0, readOnly: false });
    expect(JSON.parse((await apply(open.port, { id: 'x' })).body)).toMatchObject({ code: 'PITWALL_INVALID_ARGUMENT' });
    for (const body of [undefined, {}, { id: 7 }, { id: '' }, [], 'x', { id: 'x'.repeat(10_000) }]) {
      expect(await apply(open.port, body), JSON.stringify(body)?.slice(0, 40)).toMatchObject({ status: 400 });
    }
    await open.close();
  });
});

describe('a token', () => {
  it('is asked for once, taken as a cookie or a header, and never shown', async () => {
    const { port, close } = await runtime.dashboard.listen({ port: 0, token: TOKEN });
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await ask(port, path, { headers: { ...HOST, ...headers } })).status;
    expect(await ask(port, '/', { headers: HOST })).toMatchObject({
      status: 401,
      body: expect.stringContaining('sign-in.js'),
    });
    expect(await status('/events')).toBe(401);
    expect(await status(`/explain?id=x&token=${TOKEN}`)).toBe(401);
    expect(await status('/explain?id=x', { authorization: 'Bearer wrong' })).toBe(401);
    expect(await status('/explain?id=x', { authorization: `Bearer ${TOKEN}` })).toBe(404);
    const signIn = (token: string) => ask(port, '/session', { method: 'POST', headers: MARKED, body: { token } });
    expect(await signIn('wrong')).toMatchObject({ status: 401 });
    const { status: taken, headers } = await signIn(TOKEN);
    expect(taken).toBe(200);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\//);
    expect(cookie).not.toContain(TOKEN);
    const [pair = ''] = cookie.split(';');
    expect(await status('/explain?id=x', { cookie: `other=1; ${pair}` })).toBe(404);
    expect(await status('/explain?id=x', { cookie: `${pair}0` })).toBe(401);
    await close();
  });

  it('cannot be guessed at will', async () => {
    const { port, close } = await runtime.dashboard.listen({ port: 0, token: TOKEN });
    const tries: number[] = [];
    for (let index = 0; index < 25; index += 1) {
      const { status } = await ask(port, '/explain', { headers: { ...HOST, authorization: `Bearer guess-${index}` } });
      tries.push(status);
    }
    expect(tries.filter((status) => status === 401)).toHaveLength(20);
    expect(tries.slice(20)).toEqual(Array(5).fill(429));
    expect((await ask(port, '/explain', { headers: { ...HOST, authorization: `Bearer ${TOKEN}` } })).status).toBe(429);
    await close();
  });
});

describe('those who look', () => {
  it('are at most 16, get figures, and are gone with the dashboard', async () => {
    const dashboard = await runtime.dashboard.listen({ port: 0 });
    const looks = await Promise.all(Array.from({ length: 16 }, () => look(dashboard.port)));
    expect(looks.map(({ first }) => first)).toEqual(Array(16).fill('HTTP/1.1 200 OK'));
    expect((await look(dashboard.port)).first).toBe('HTTP/1.1 503 Service Unavailable');
    expect(dashboard.viewers).toMatchObject({ now: 16, refused: 1 });
    const [one] = looks;
    transferOnce(runtime, 'ml', 5_000);
    await one?.until(/event: live\ndata: .*"pool":"ml"/);
    const ends = looks.map(({ socket }) => once(socket, 'close'));
    await dashboard.close();
    await Promise.all(ends);
    expect(dashboard.viewers.now).toBe(0);
  });

  it('keep no process alive, and end with the runtime', async () => {
    const program = `
      import { startRuntime } from 'pitwall';
      const runtime = await startRuntime({ dataDir: false, logger: false });
      const dashboard = await runtime.dashboard.listen({ port: 0 });
      process.stdout.write(String(dashboard.port) + '\\n');
      while (dashboard.viewers.now === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const [line] = await once(child.stdout, 'data');
    const { socket } = await look(Number(String(line)));
    expect(await ended).toEqual([0, null]);
    socket.destroy();
  });
});

describe('a runtime that was shut down', () => {
  it('has no dashboard any more', async () => {
    const other = await startRuntime({ dataDir: false, logger: false });
    const { port } = await other.dashboard.listen({ port: 0 });
    await other.shutdown();
    await expect(ask(port, '/', { headers: HOST })).rejects.toThrow();
    await expect(other.dashboard.listen({ port: 0 })).rejects.toBeInstanceOf(PitwallError);
  });
});

/** Looks at the stream of figures with a bare socket. */
async function look(port: number) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.setEncoding('utf8');
  let read = '';
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(read)) {
      const [text] = await once(socket, 'data');
      read += text;
    }
  };
  socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until(/\r\n/);
  return { socket, until, first: read.split('\r\n')[0] };
}
