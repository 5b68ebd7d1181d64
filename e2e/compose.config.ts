// People against the containers of docker-compose.yml: `cargo xtask test compose` starts those and names the proxy's
// port in SHEAF_RUNNING_AT.

import { defineConfig } from "@playwright/test";
import { config } from "./playwright.config.ts";

/** What people do most, and what must not be lost. */
const CORE = ["fast-fingers", "last-letters", "offline-and-back", "pages", "tab-killed", "title", "two-tabs", "undo", "writing-together"];

export default defineConfig(config, {
  testDir: ".",
  testMatch: ["compose/*.spec.ts", ...CORE.map((name) => `tests/${name}.spec.ts`)],
});
