// Takes the README's picture: `cargo xtask picture`.

import { defineConfig } from "@playwright/test";
import { config } from "./playwright.config.ts";

export default defineConfig(config, { testDir: "picture", reporter: "list", workers: 1 });
