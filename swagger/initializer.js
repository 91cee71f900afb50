/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starts Swagger UI on the document of the site whose page this is, and tells it how to sign in. settings.json is the site's.  */
"use strict";

/* OpenEMR's password grant wants to know who signs in; Swagger UI's form has no field for it. */
function withRole(request, tokenUrl) {
  if (request.url === tokenUrl && typeof request.body === "string") {
    const form = new URLSearchParams(request.body);
    if (form.get("grant_type") === "password" && !form.has("user_role")) {
      form.set("user_role", "users");
      request.body = form.toString();
    }
  }
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
    requestInterceptor: (request) => withRole(request, settings.token_url),
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
