// The pages a person sees in the browser: a sign-in with user and password, and a question whether the
// program may act for them. As plain as can be, so that tests without a browser can fill them in.
import querystring from 'node:querystring';

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = (title, form) => `<!doctype html><meta charset="utf-8"><title>${title}</title>
<style>body { font: 16px sans-serif; max-width: 24em; margin: 4em auto } label, button { display: block; margin: 1em 0 }</style>
<h1>${title}</h1>${form}`;

const login = (said, asksCode) => page('Sign in', `<form method="post">
${said ? `<p role="alert">${escape(said)}</p>` : ''}
<label>User name <input name="username" autofocus></label>
<label>Password <input name="password" type="password"></label>
${asksCode ? '<label>One-time code <input name="totp"></label>' : ''}
<button name="do" value="login">Sign in</button></form>`);

const consent = (client) => page('Allow this program?', `<form method="post">
<p><b>${escape(client)}</b> asks to act for you.</p>
<button name="do" value="allow">Allow</button> <button name="do" value="deny">Deny</button></form>`);

const body = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return querystring.parse(Buffer.concat(chunks).toString());
};

const html = (response, text) => {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(text);
};

/** Handles `/interaction/…` for this provider. */
export const pages = (provider, people, passes) => async (request, response) => {
  try {
    const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
    const finish = (result, mergeWithLastSubmission = false) =>
      provider.interactionFinished(request, response, result, { mergeWithLastSubmission });
    if (request.method !== 'POST') {
      return html(response, prompt.name === 'login' ? login() : consent(params.client_id));
    }
    const form = await body(request);
    if (form.do === 'deny') {
      return await finish({ error: 'access_denied', error_description: 'The user said no' });
    }
    if (prompt.name === 'login') {
      if (passes(form.username, form.password, form.totp)) return await finish({ login: { accountId: form.username } });
      return html(response, login('Wrong user name, password or code.', people.get(form.username)?.totp));
    }
    const grant = (grantId && await provider.Grant.find(grantId))
      || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [indicator, scope] of Object.entries(missingResourceScopes ?? {})) {
      grant.addResourceScope(indicator, scope.join(' '));
    }
    return await finish({ consent: { grantId: await grant.save() } }, true);
  } catch (error) {
    response.writeHead(400, { 'content-type': 'text/plain' });
    return response.end(String(error.message));
  }
};
