// Measures the editor on a long page: `npm run speed` in this folder, once `cargo xtask build` made the program.

import { defineConfig } from "@playwright/test";
import { config } from "./playwright.config.ts";

// Without these a key's figure would be mostly the wait for the next frame of a 60 Hz screen: up to 17 ms, whatever
// the editor does.
const withoutScreen = ["--disable-frame-rate-limit", "--disable-gpu-vsync"];

export default defineConfig(config, {
  testDir: "speed",
  reporter: "list",
  workers: 1,
  timeout: 180_000,
  use: {
    trace: "off",
    launchOptions: { ...config.use?.launchOptions, args: [...(config.use?.launchOptions?.args ?? []), ...withoutScreen] },
  },
});
