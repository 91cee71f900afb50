/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts Swagger UI on the document of the site whose page this is, and tells it how to sign in. settings.json is the site's.  */
"use strict";

/* The password grant of OpenEMR wants to know who signs in, and its clients send their secret in the body (client_secret_post, as they register);
 * Swagger UI has no field for the one, and at first proposes a header for the other.                                        */
function passwordRequest(request, tokenUrl) {
  const form = new URLSearchParams(request.url === tokenUrl ? request.body : "");
  if (form.get("grant_type") !== "password") {
    return request;
  }
  const basic = /^Basic (.+)$/.exec(request.headers.Authorization || "");
  if (basic) {
    const [id, ...secret] = atob(basic[1]).split(":");
    form.set("client_id", id);
    form.set("client_secret", secret.join(":"));
    delete request.headers.Authorization;
  }
  form.set("user_role", "users");
  request.body = form.toString();
  return request;
}

async function start() {
  const settings = await (await fetch("settings.json")).json();
  window.ui = SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    docExpansion: "none",
    filter: true,
    persistAuthorization: false,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    oauth2RedirectUrl: new URL("oauth2-redirect.html", window.location.href).href,
    presets: [SwaggerUIBundle.presets.apis],
    requestInterceptor: (request) => passwordRequest(request, settings.token_url),
  });
  window.ui.initOAuth({
    clientId: settings.client_id || "",
    scopes: settings.scopes.join(" "),
    usePkceWithAuthorizationCodeGrant: true,
  });
}

start().catch((error) => {
  document.getElementById("swagger-ui").textContent = `The page cannot start: ${error.message}`;
});
