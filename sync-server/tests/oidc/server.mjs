// Starts an OpenID Connect provider: node server.mjs PORT RETURN_ADDRESS. It prints "ready" when it answers.
//
// Whoever comes is signed in at once, as the account named in /as/NAME before that: "ada" has an address that the provider
// vouches for, "bob" has one that it doesn't, "cem" has one, "eve" has none.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const [port, returnAddress] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const accounts = {
  ada: { email: "ada@example.org", email_verified: true, name: "Ada" },
  bob: { email: "bob@example.org", email_verified: false, name: "Bob" },
  cem: { email: "cem@example.org", email_verified: true, name: "Cem" },
  eve: { name: "Eve" },
};
let current = "ada";

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "sheaf",
      client_secret: "a secret of the test",
      redirect_uris: [returnAddress],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "test" }] },
  cookies: { keys: ["of the test"] },
  claims: { email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
});

async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") {
    return provider.interactionFinished(request, response, { login: { accountId: current } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope("openid email profile");
  const grantId = await grant.save();
  return provider.interactionFinished(request, response, { consent: { grantId } });
}

const answer = provider.callback();
createServer((request, response) => {
  if (request.url.startsWith("/as/")) {
    current = request.url.slice("/as/".length);
    response.end();
  } else if (request.url.startsWith("/interaction/")) {
    interact(request, response).catch((error) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  } else {
    answer(request, response);
  }
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
