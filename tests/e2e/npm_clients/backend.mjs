// SPDX-License-Identifier: GPL-3.0-or-later
// SMART Backend Services by openid-client: client_credentials with private_key_jwt, from registration on.
import * as client from 'openid-client';
import { generateKeyPair, exportJWK } from 'jose';
import { ask, check, end, refused, settings } from './ask.mjs';

const issuer = new URL(settings.issuer), alg = settings.alg;
const key = await generateKeyPair(alg, { extractable: true }), other = await generateKeyPair(alg, { extractable: true });
const made = await client.dynamicClientRegistration(issuer, {
  client_name: 'backend', grant_types: ['client_credentials'], token_endpoint_auth_method: 'private_key_jwt',
  redirect_uris: ['https://client.example.org/unused'], scope: 'system/Patient.rs',
  jwks: { keys: [{ ...(await exportJWK(key.publicKey)), kid: 'one', alg, use: 'sig' }] },
}, client.None());
const { client_id } = made.clientMetadata();
await ask('enable', client_id);
const config = await client.discovery(issuer, client_id, {}, client.PrivateKeyJwt({ key: key.privateKey, kid: 'one' }));
const got = await client.clientCredentialsGrant(config, { scope: 'system/Patient.rs' });
check(got.expires_in === 300 && got.scope === 'system/Patient.rs' && !got.refresh_token, JSON.stringify(got));
const r = await client.fetchProtectedResource(config, got.access_token, new URL(settings.resource), 'GET');
check(r.status === 200, `the API answers, but ${r.status}`);
const thief = await client.discovery(issuer, client_id, {}, client.PrivateKeyJwt({ key: other.privateKey, kid: 'one' }));
await refused('invalid_client', () => client.clientCredentialsGrant(thief, { scope: 'system/Patient.rs' }));
end();
