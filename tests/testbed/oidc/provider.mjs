// An OpenID Connect provider for the tests: node-oidc-provider, which is certified, with what Keycloak
// has beside the standard: the password grant with its `totp`, access tokens that are JWTs, and a
// refresh token without being asked for `offline_access`.
//
// Run as: node provider.mjs FILE, where FILE is the JSON that beds/oidc.py writes.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import crypto from 'node:crypto';

import * as jose from 'jose';
import { Provider, errors } from 'oidc-provider';

import { pages } from './pages.mjs';

const told = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const people = new Map(told.people.map((person) => [person.name, person]));
const key = crypto.createPrivateKey(fs.readFileSync(told.key_file));
// Ceph's gateway takes the key from the certificate, and no other member, of the key set.
const certificate = fs.readFileSync(told.certificate_file, 'utf8').replace(/-----[^-]+-----|\s/g, '');
const AUDIENCE = 'urn:s3';
const SCOPES = 'openid offline_access profile s3';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

const resource = (seconds) => ({
  scope: SCOPES,
  audience: AUDIENCE,
  accessTokenFormat: 'jwt',
  accessTokenTTL: seconds,
  jwt: { sign: { alg: 'RS256' } },
});

const client = (given) => ({
  client_id: given.id,
  ...(given.secret
    ? { client_secret: given.secret, token_endpoint_auth_method: 'client_secret_basic' }
    : { token_endpoint_auth_method: 'none' }),
  application_type: 'native',
  grant_types: given.grants ?? ['password', 'refresh_token', 'authorization_code', DEVICE],
  redirect_uris: ['http://127.0.0.1/'],
  response_types: ['code'],
});

// A code of an authenticator app, good once. Those of a real app are good once in thirty seconds, which
// tests that run side by side would have to wait for.
const codes = new Set();
const newCode = () => {
  const code = String(crypto.randomInt(1_000_000)).padStart(6, '0');
  codes.add(code);
  return code;
};

export const passes = (name, password, code) => {
  const person = people.get(name);
  if (!person || person.password !== password) return false;
  return !person.totp || codes.delete(code);
};

// As Keycloak answers: 401, and nothing about which of the three was wrong.
class InvalidCredentials extends errors.InvalidGrant {
  constructor() {
    super('Invalid user credentials');
    this.error_description = 'Invalid user credentials';
    this.status = 401;
    this.statusCode = 401;
  }
}

const serve = (issuer, port, tls) => {
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...key.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'k1', x5c: [certificate] }] },
    clients: told.clients.map(client),
    findAccount: (_, id) => people.has(id) && {
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id }),
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => resource(told.access_token_seconds),
      },
    },
    claims: { openid: ['sub'], profile: ['preferred_username'] },
    extraTokenClaims: (_, token) => ({ preferred_username: token.accountId }),
    issueRefreshToken: (_, asking) => asking.grantTypeAllowed('refresh_token'),
    scopes: SCOPES.split(' '),
    pkce: { required: () => true },
    cookies: { keys: [crypto.randomUUID()] },
    ttl: { AccessToken: 300, IdToken: 300, RefreshToken: 3600, Grant: 3600, DeviceCode: 600, Session: 3600, Interaction: 600 },
  });

  provider.registerGrantType('password', async (ctx) => {
    const { params } = ctx.oidc;
    if (!passes(params.username, params.password, params.totp)) throw new InvalidCredentials();
    const accountId = params.username;
    const { Grant, AccessToken, RefreshToken, IdToken, ResourceServer } = provider;
    const asking = ctx.oidc.client;
    const grant = new Grant({ clientId: asking.clientId, accountId });
    grant.addOIDCScope(SCOPES);
    grant.addResourceScope(AUDIENCE, SCOPES);
    const grantId = await grant.save();
    const authTime = Math.floor(Date.now() / 1000);
    const access = new AccessToken({ client: asking, accountId, grantId, gty: 'password', scope: 'openid profile s3' });
    access.resourceServer = new ResourceServer(AUDIENCE, resource(told.access_token_seconds));
    access.extra = { preferred_username: accountId };
    const refresh = new RefreshToken({
      client: asking, accountId, grantId, gty: 'password', authTime, scope: 'openid profile s3', resource: AUDIENCE,
    });
    ctx.body = {
      access_token: await access.save(),
      token_type: 'Bearer',
      expires_in: access.expiration,
      refresh_token: await refresh.save(),
      scope: access.scope,
    };
    if ((params.scope ?? '').split(' ').includes('openid')) {
      ctx.oidc.entity('Client', asking);
      const id = new IdToken({ sub: accountId, preferred_username: accountId, auth_time: authTime }, { ctx, client: asking });
      id.scope = 'openid profile';
      ctx.body.id_token = await id.issue({ use: 'idtoken' });
    }
  }, ['username', 'password', 'scope', 'totp']);

  provider.use(async (ctx, next) => {
    await next();
    // The library leaves it to the standard's five seconds.
    if (ctx.path === '/device/auth' && ctx.status === 200) ctx.body = { ...ctx.body, interval: 1 };
  });

  // What a gateway in front of a service does with a bearer token.
  const keys = jose.createLocalJWKSet({ keys: [{ ...crypto.createPublicKey(key).export({ format: 'jwk' }), alg: 'RS256', kid: 'k1' }] });
  const bearer = async (request, response) => {
    const answer = (status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    try {
      const [, token] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
      const { payload } = await jose.jwtVerify(token ?? '', keys, { issuer, audience: AUDIENCE });
      answer(200, { name: payload.sub, expires: payload.exp });
    } catch {
      answer(401, { error: 'invalid_token' });
    }
  };

  const usual = provider.callback();
  const interaction = pages(provider, people, passes);
  const handle = (request, response) => {
    const { pathname } = new URL(request.url, issuer);
    if (pathname === '/test/bearer') return bearer(request, response);
    if (pathname === '/test/code') return response.end(newCode());
    if (pathname.startsWith('/interaction/')) return interaction(request, response);
    return usual(request, response);
  };
  const server = tls
    ? https.createServer({ cert: fs.readFileSync(tls.chain_file), key: fs.readFileSync(tls.key_file) }, handle)
    : http.createServer(handle);
  server.listen(port, '127.0.0.1');
};

serve(told.issuer, told.port);
if (told.tls) serve(told.tls.issuer, told.tls.port, told.tls);
