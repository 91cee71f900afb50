// SPDX-License-Identifier: GPL-3.0-or-later
// openid-client 6 with its own strictness: registers, signs in, refreshes, introspects, revokes, signs out. One run per way of authentication.
import * as client from 'openid-client';
import { generateKeyPair, exportJWK } from 'jose';
import { ask, check, end, refused, settings } from './ask.mjs';

const issuer = new URL(settings.issuer);
const redirect_uri = 'https://client.example.org/callback';
const scope = settings.scope;

async function registered() {
  const metadata = {
    client_name: 'openid-client', redirect_uris: [redirect_uri], post_logout_redirect_uris: ['https://client.example.org/bye'], response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: settings.method, scope,
    dpop_bound_access_tokens: settings.dpop || undefined,
  };
  let key;
  if (settings.method === 'private_key_jwt') {
    const alg = settings.alg;
    key = await generateKeyPair(alg, { extractable: true });
    metadata.jwks = { keys: [{ ...(await exportJWK(key.publicKey)), kid: 'one', alg, use: 'sig' }] };
  }
  const made = await client.dynamicClientRegistration(issuer, metadata, client.None());
  const { client_id, client_secret, id_token_signed_response_alg } = made.clientMetadata();
  await ask('enable', client_id);
  const auth = {
    none: () => client.None(),
    client_secret_basic: () => client.ClientSecretBasic(client_secret),
    client_secret_post: () => client.ClientSecretPost(client_secret),
    private_key_jwt: () => client.PrivateKeyJwt({ key: key.privateKey, kid: 'one' }),
  }[settings.method]();
  return client.discovery(issuer, client_id, { client_secret, id_token_signed_response_alg }, auth);
}

const config = await registered();
const dpop = settings.dpop ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) } : {};

async function flow() {
  const code_verifier = client.randomPKCECodeVerifier();
  const expected = { pkceCodeVerifier: code_verifier, expectedState: client.randomState(), expectedNonce: client.randomNonce(), idTokenExpected: true };
  const to = client.buildAuthorizationUrl(config, {
    redirect_uri, scope, code_challenge: await client.calculatePKCECodeChallenge(code_verifier), code_challenge_method: 'S256',
    state: expected.expectedState, nonce: expected.expectedNonce, max_age: '300',
  });
  const back = new URL(await ask('sign in', to.href));
  return [back, expected, await client.authorizationCodeGrant(config, back, { ...expected, maxAge: 300 }, undefined, dpop)];
}

const [back, expected, first] = await flow();
const claims = first.claims();
check(claims.iss === settings.issuer && typeof claims.auth_time === 'number' && claims.amr.includes('pwd'), 'claims of the id_token');
check(first.token_type === (settings.dpop ? 'dpop' : 'bearer'), `token_type ${first.token_type}`);
const person = await client.fetchUserInfo(config, first.access_token, claims.sub, dpop);
check(person.sub === claims.sub, 'sub of userinfo');
const read = (token) => client.fetchProtectedResource(config, token, new URL(settings.resource), 'GET', null, undefined, dpop);
check((await read(first.access_token)).status === 200, 'the API answers');

const second = await client.refreshTokenGrant(config, first.refresh_token, undefined, dpop);
check(second.refresh_token && second.refresh_token !== first.refresh_token, 'refresh tokens rotate');
check((await read(second.access_token)).status === 200, 'the API answers after refresh');
if (settings.method !== 'none') {
  const told = await client.tokenIntrospection(config, second.access_token);
  check(told.active === true && told.sub === claims.sub && told.client_id === config.clientMetadata().client_id, 'introspection');
}
await client.tokenRevocation(config, second.refresh_token);
const stopped = await read(second.access_token).then((r) => r.status, (e) => e.cause?.[0] && e.status);
check(stopped === 401, `revoked, but ${stopped}`);
await refused('invalid_grant', () => client.authorizationCodeGrant(config, back, { ...expected, maxAge: 300 }, undefined, dpop));
if (settings.compat === 'v8') await refused('invalid_grant', () => client.refreshTokenGrant(config, second.refresh_token, undefined, dpop));

const [, , third] = await flow();
const bye = client.buildEndSessionUrl(config, { id_token_hint: third.id_token, post_logout_redirect_uri: 'https://client.example.org/bye', state: 'st' });
check((await ask('go', bye.href)) === 'https://client.example.org/bye?state=st', 'logout leads back');
const after = await read(third.access_token).then((r) => r.status, (e) => e.status);
check(after === 401, `signed out, but ${after}`);
end();
