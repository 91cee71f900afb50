// SPDX-License-Identifier: GPL-3.0-or-later
// oauth4webapi, the strict layer below: each answer of the server is judged by the library, RFC by RFC.
import * as oauth from 'oauth4webapi';
import { ask, check, end, settings } from './ask.mjs';

const issuer = new URL(settings.issuer), redirect_uri = 'https://client.example.org/callback';
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: settings.discovery }));
const made = await oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, {
  client_name: 'oauth4webapi', redirect_uris: [redirect_uri], grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic', scope: settings.scope,
}));
await ask('enable', made.client_id);
const client = { client_id: made.client_id, id_token_signed_response_alg: made.id_token_signed_response_alg }, auth = oauth.ClientSecretBasic(made.client_secret);

const verifier = oauth.generateRandomCodeVerifier(), state = oauth.generateRandomState(), nonce = oauth.generateRandomNonce();
const to = new URL(as.authorization_endpoint);
for (const [name, value] of Object.entries({
  client_id: client.client_id, redirect_uri, response_type: 'code', scope: settings.scope, state, nonce, code_challenge_method: 'S256',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
})) to.searchParams.set(name, value);
const back = new URL(await ask('sign in', to.href));
const params = oauth.validateAuthResponse(as, client, back, state);
const answer = await oauth.authorizationCodeGrantRequest(as, client, auth, params, redirect_uri, verifier);
const first = await oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true });
await oauth.validateApplicationLevelSignature(as, answer);
const claims = oauth.getValidatedIdTokenClaims(first);
const user = await oauth.processUserInfoResponse(as, client, claims.sub, await oauth.userInfoRequest(as, client, first.access_token));
check(user.sub === claims.sub, 'userinfo');
const second = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, first.refresh_token));
const told = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, second.access_token));
check(told.active, 'introspection');
const api = await oauth.protectedResourceRequest(second.access_token, 'GET', new URL(settings.resource));
check(api.status === 200, 'the API answers');
check((await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, second.refresh_token))) === undefined, 'revocation');
const ended = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, second.access_token));
check(ended.active === false, 'revoked tokens are not active');

// the library tells what the server says of a refusal: the challenge of a bearer error, an error by redirect
try {
  await oauth.protectedResourceRequest(second.access_token, 'GET', new URL(settings.resource));
  check(false, 'refused');
} catch (e) {
  check(e instanceof oauth.WWWAuthenticateChallengeError && e.cause[0].scheme === 'bearer' && e.cause[0].parameters.error === 'invalid_token', `challenge: ${e}`);
}
to.searchParams.set('prompt', 'none');
to.searchParams.set('state', 'other');
try {
  oauth.validateAuthResponse(as, client, new URL(await ask('go elsewhere', to.href)), 'other');
  check(false, 'prompt=none without a session');
} catch (e) {
  check(e instanceof oauth.AuthorizationResponseError && e.error === 'login_required', `login_required, but ${e}`);
}
end();
