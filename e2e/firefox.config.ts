// The same tests in Firefox as its makers released it: `cargo xtask test firefox`. SHEAF_FIREFOX names it.
//
// What it does not run: tests of Chromium's own protocol (they skip themselves), of fingers and small screens, which
// Playwright can't give to a released Firefox, and pictures of every screen.

import { fileURLToPath } from "node:url";
import { defineConfig } from "@playwright/test";
import { config } from "./playwright.config.ts";

export default defineConfig(config, {
  testDir: "tests",
  testIgnore: ["every-screen.spec.ts", "phone.spec.ts"],
  use: {
    browserName: "firefox",
    channel: "moz-firefox",
    // Both put a style into the page, which its policy forbids and Firefox reports.
    screenshot: "off",
    trace: "off",
    launchOptions: { executablePath: fileURLToPath(new URL("firefox/relay.mjs", import.meta.url)), args: [] },
  },
});
