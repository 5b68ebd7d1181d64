// People against the containers of docker-compose.yml: `cargo xtask test compose` starts those and names the proxy's
// port in SHEAF_RUNNING_AT.

import { defineConfig } from "@playwright/test";
import { config } from "./playwright.config.ts";

/** What people do most, and what must not be lost. */
const CORE = ["fast-fingers", "last-letters", "offline-and-back", "pages", "tab-killed", "title", "two-tabs", "undo", "writing-together"];

export default defineConfig(config, {
  testDir: ".",
  projects: [
    // As the file is, of which nobody has an account yet.
    { name: "accounts", testMatch: "compose/accounts.spec.ts" },
    // A public pad, for people without accounts.
    { name: "open", testMatch: ["compose/a-server-is-killed.spec.ts", ...CORE.map((name) => `tests/${name}.spec.ts`)] },
  ],
});
